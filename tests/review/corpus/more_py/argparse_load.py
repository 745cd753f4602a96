import argparse
import ctypes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library")
    args = parser.parse_args()
    lib = ctypes.CDLL(args.library)  # expect: CWE-114
    return lib


if __name__ == "__main__":
    main()
