import os
import sys

os.system("ldd " + sys.argv[1])  # expect: CWE-78
