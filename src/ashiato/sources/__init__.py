"""Where bytes come from: files, standard input, S3 buckets."""
