"""Rules over records: Sigma, correlation, first seen, rates."""
