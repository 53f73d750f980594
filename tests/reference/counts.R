# Reference values for tests/test_counts.py and tests/test_population_models.py: base R's glm with dummies and
# sandwich's clustered covariance, MASS::glm.nb, geepack::geeglm, on the SYNTHETIC panel counts_synthetic.csv.
# Run:  Rscript counts.R > counts.csv
suppressPackageStartupMessages({library(sandwich); library(MASS); library(geepack)})
cat(sprintf("# %s, sandwich %s, MASS %s, geepack %s\n", R.version.string, packageVersion("sandwich"),
            packageVersion("MASS"), packageVersion("geepack")))
cat("model,term,statistic,value\n")
out <- function(model, term, statistic, value)
  cat(sprintf("%s,%s,%s,%.17g\n", model, term, statistic, value))
panel <- read.csv("counts_synthetic.csv")
panel$unit <- factor(panel$unit_id)
panel$year <- factor(panel$period)
strict <- glm.control(epsilon = 1e-14, maxit = 100)

# Unit and year dummies; units without losses have no finite effect and are left out.
some <- panel[ave(panel$losses, panel$unit, FUN = sum) > 0, ]
some$unit <- droplevels(some$unit)
terms <- c("treated", "dose_post")
# vcovCL's HC0 with cadjust is G / (G - 1) times the sandwich; (n - 1) / (n - k) counts the terms alone.
clustered <- function(fit, cluster, names, n) {
  G <- length(unique(cluster))
  v <- vcovCL(fit, cluster = cluster, type = "HC0", cadjust = TRUE)[names, names, drop = FALSE]
  v * (n - 1) / (n - length(names))
}
report <- function(model, fit, cluster, names, n) {
  v <- clustered(fit, cluster, names, n)
  for (name in names) {
    out(model, name, "coefficient", coef(fit)[[name]])
    out(model, name, "std_error", sqrt(v[name, name]))
  }
}
form <- losses ~ treated + dose_post + unit + year + offset(log(population))
poisson_fit <- glm(form, family = poisson, data = some, control = strict)
report("poisson_city", poisson_fit, some$city, terms, nrow(some))
report("poisson_unit", poisson_fit, some$unit_id, terms, nrow(some))
# Errors that take rows one by one count the dummies too.
v <- vcovHC(poisson_fit, type = "HC0")[terms, terms] * nrow(some) / (nrow(some) - length(coef(poisson_fit)))
for (name in terms) out("poisson_hc", name, "std_error", sqrt(v[name, name]))

# Year dummies alone.
pooled <- c("treated", "pilot")
negative <- glm.nb(losses ~ treated + pilot + year + offset(log(population)), data = panel, control = strict)
for (name in pooled) out("negative_binomial", name, "coefficient", coef(negative)[[name]])
out("negative_binomial", "a", "dispersion", 1 / negative$theta)
both <- glm.nb(form, data = some, control = strict)
for (name in terms) out("negative_binomial_two_way", name, "coefficient", coef(both)[[name]])
out("negative_binomial_two_way", "a", "dispersion", 1 / both$theta)

gee <- geeglm(losses ~ treated + pilot + year, offset = log(panel$population), id = unit, data = panel,
              family = poisson, corstr = "independence", std.err = "san.se",
              control = geese.control(epsilon = 1e-12, maxit = 200))
for (name in pooled) {
  out("gee_independence", name, "coefficient", coef(gee)[[name]])
  out("gee_independence", name, "std_error", summary(gee)$coefficients[name, "Std.err"])
}

cases <- panel[panel$lawsuits_concluded > 0, ]
rate <- glm(cbind(losses, lawsuits_concluded - losses) ~ treated + pilot + year, family = binomial,
            data = cases, control = strict)
report("rate", rate, cases$city, pooled, nrow(cases))
mixed <- cases[ave(cases$losses, cases$unit, FUN = sum) > 0, ]
mixed$unit <- droplevels(mixed$unit)
two <- glm(cbind(losses, lawsuits_concluded - losses) ~ treated + unit + year, family = binomial, data = mixed,
           control = strict)
report("rate_two_way", two, mixed$city, "treated", nrow(mixed))
