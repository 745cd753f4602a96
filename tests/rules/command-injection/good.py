import subprocess


def dependencies(library):
    return subprocess.run(["/usr/bin/readelf", "-d", "--", library], capture_output=True, check=True)
