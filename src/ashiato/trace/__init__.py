"""The three logs joined around one entity."""
