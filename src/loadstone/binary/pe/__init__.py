"""PE files to images: Windows DLLs and programs, and their object files. Hostile bytes give damage, not exceptions.

Source: Microsoft, "PE Format"; winnt.h of the Windows SDK for what that page leaves out.
"""
