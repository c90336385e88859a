"""Records found by fields: filters, facets, histograms, completions, exports."""
