"""Programs that listen.  Law: on loopback only; clients, clocks and launchers arrive as arguments."""
