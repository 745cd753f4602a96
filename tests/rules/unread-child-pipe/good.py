import subprocess
import threading

TOOL = ["/usr/bin/ldd", "/usr/lib/libz.so.1"]


def needed():
    tool = subprocess.Popen(TOOL, stdout=subprocess.PIPE, text=True)
    text, _ = tool.communicate()
    if tool.wait() != 0:
        raise OSError(text)
    return text.split()


def lines():
    tool = subprocess.Popen(TOOL, stdout=subprocess.PIPE, text=True)
    found = [line.strip() for line in tool.stdout]
    tool.wait()
    return found


def in_thread(take):
    tool = subprocess.Popen(TOOL, stdout=subprocess.PIPE, text=True)
    reader = threading.Thread(target=take, args=(tool.stdout,))
    reader.start()
    tool.wait()
    reader.join()


def by_helper(take):
    tool = subprocess.Popen(TOOL, stdout=subprocess.PIPE, text=True)
    take(tool)
    tool.wait()


def quiet():
    tool = subprocess.Popen(TOOL, stdout=subprocess.DEVNULL, stdin=subprocess.PIPE)
    return tool.wait()


def patient():
    tool = subprocess.Popen(TOOL, stdout=subprocess.PIPE, text=True)
    try:
        tool.wait(5)
    except subprocess.TimeoutExpired:
        tool.kill()
    return tool.stdout.read()
