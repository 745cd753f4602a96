"""Django view that runs user rules in a native engine."""
import ctypes
import os
import subprocess
import tempfile

from django.conf import settings
from django.http import HttpResponseBadRequest, JsonResponse
from django.views import View

ENGINES = {"fast": "libfast.so", "safe": "libsafe.so"}


def _compile(source, flags):
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "rule.c")
    with open(path, "w") as file:
        file.write(source)
    out = os.path.join(folder, "rule.so")
    subprocess.check_call("cc -shared -fPIC %s -o %s %s" % (flags, out, path), shell=True)  # expect: CWE-78
    return out


class RunView(View):
    def post(self, request):
        engine = request.POST.get("engine", "safe")
        library = ctypes.CDLL(os.path.join(settings.ENGINE_DIR, engine))  # expect: CWE-22
        library.engine_run.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
        library.engine_run.restype = ctypes.c_int
        out = ctypes.create_string_buffer(1024)
        path = _compile(request.POST["rule"], request.POST.get("flags", ""))
        size = library.engine_run(path.encode(), out, 4096)  # expect: CWE-787
        if size < 0:
            return HttpResponseBadRequest("run")
        return JsonResponse({"result": out.value.decode("utf-8", "replace")})
