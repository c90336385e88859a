"""Bytes of AWS's log deliveries → Arrow tables. Pure functions: no I/O, no clock, no AWS client."""
