# Writes fisher_test.csv: R's conditional test and interval of the odds ratio of a two-by-two table.
# Run in this folder: Rscript fisher_test.R
tables <- rbind(c(53, 32, 700, 650), c(1, 0, 5, 9), c(0, 3, 5, 9), c(2, 7, 8, 1), c(0, 3, 5, 0),
                c(12, 17, 140, 139), c(40, 25, 318, 217), c(7, 7, 7, 7), c(400, 900, 5000, 6000))
cases <- merge(data.frame(i = seq_len(nrow(tables))), expand.grid(odds = c(1, 0.6, 2.5), ci_level = c(0.9, 0.95)))
rows <- lapply(seq_len(nrow(cases)), function(k) {
  t <- tables[cases$i[k], ]
  x <- matrix(c(t[2], t[1], t[4], t[3]), nrow = 2)  # columns: treated, control; rows: post, pre
  test <- fisher.test(x, or = cases$odds[k], conf.level = cases$ci_level[k])
  data.frame(treated_pre = t[1], treated_post = t[2], control_pre = t[3], control_post = t[4],
             odds = cases$odds[k], ci_level = cases$ci_level[k], p_value = test$p.value,
             ci_low = test$conf.int[1], ci_high = test$conf.int[2])
})
out <- do.call(rbind, rows)
con <- file("fisher_test.csv", "w")
writeLines(paste("#", R.version.string), con)
write.csv(format(out, digits = 15, scientific = NA, trim = TRUE), con, row.names = FALSE, quote = FALSE)
close(con)
