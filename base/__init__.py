"""What all floors share: external tools, files that are whole or absent, places on the disk, errors."""
