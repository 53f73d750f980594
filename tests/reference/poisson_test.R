# Reference values for tests/test_rates.py: base R's exact comparison of two Poisson counts.
# Run:  Rscript poisson_test.R > poisson_test.csv
# after and before are events over exposures T = c(exposure_ratio, 1); rate ratio after/before, two-sided.
counts <- c(0, 1, 2, 3, 5, 8, 20, 24, 32, 53, 120, 1000)
exposures <- c(1, 0.86976, 1.2, 1.5948, 0.05, 7.5)
cat(sprintf("# %s, stats %s\n", R.version.string, packageVersion("stats")))
cat("after,before,exposure_ratio,ci_level,estimate,p_value,ci_low,ci_high\n")
row <- function(after, before, exposure_ratio, ci_level) {
  fit <- poisson.test(c(after, before), T = c(exposure_ratio, 1), conf.level = ci_level)
  cat(sprintf("%d,%d,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g\n", after, before, exposure_ratio, ci_level,
              unname(fit$estimate), fit$p.value, fit$conf.int[1], fit$conf.int[2]))
}
for (exposure_ratio in exposures) for (after in counts) for (before in counts)
  if (after + before > 0) row(after, before, exposure_ratio, 0.95)
for (ci_level in c(0.8, 0.9, 0.99)) for (after in c(0, 4, 32)) for (before in c(1, 24, 53))
  row(after, before, 1.1, ci_level)
