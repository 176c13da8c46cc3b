"""``npdigits-live``: runs and sweeps watched in a browser while they go on."""
