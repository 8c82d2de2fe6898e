"""The performance table (`make bench`).  Law: figures are medians of one run that measures both sides in turn."""
