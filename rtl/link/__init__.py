"""The host link: serial frames in, the core's streams and registers driven, answers out."""
