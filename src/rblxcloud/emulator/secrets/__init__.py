"""The secrets of experiences: sealed with a real key pair, which the emulator has whole."""
