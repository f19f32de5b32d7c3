"""The only rooms that know httpx, anyio, threads and clocks."""
