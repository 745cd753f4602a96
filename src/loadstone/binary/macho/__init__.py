"""Mach-O files to images: dylibs, bundles and programs of Apple's systems. Hostile bytes give damage, not exceptions.

Sources: Apple's mach-o/loader.h, nlist.h, fixup-chains.h; XNU's cs_blobs.h for code signatures.
"""
