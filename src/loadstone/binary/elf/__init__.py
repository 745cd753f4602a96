"""ELF files to images. Section headers are never needed; hostile bytes give damage, not exceptions.

Source: System V Application Binary Interface (gABI) chapters 4 and 5, with the GNU extensions named in each part.
"""
