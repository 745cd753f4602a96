import subprocess


def dependencies(library):
    return subprocess.run(f"ldd {library}", shell=True, capture_output=True)  # bad
