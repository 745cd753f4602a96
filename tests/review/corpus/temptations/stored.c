#include <windows.h>
#include <process.h>

struct touch {
    HMODULE user;
    BOOL(WINAPI *open)(HANDLE);
    BOOL(WINAPI *close)(HANDLE);
    int position_count;
};

static HMODULE program;
static unsigned(__stdcall *worker)(void *);

/* Stored here, asked about where it is called; the program's own handle cannot be missing. */
int start(struct touch *touch)
{
    program = GetModuleHandle(NULL);
    touch->user = LoadLibraryExA("user32.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!touch->user)
        return -1;
    touch->open = (BOOL(WINAPI *)(HANDLE))GetProcAddress(touch->user, "RegisterTouchWindow");
    touch->close = (BOOL(WINAPI *)(HANDLE))GetProcAddress(touch->user, "UnregisterTouchWindow");
    _beginthreadex(NULL, 0, worker, touch, 0, NULL);
    return 0;
}

void on_window(struct touch *touch, HANDLE window)
{
    if (touch->open && touch->close)
        touch->open(window);
}

/* One thread has the object; its size counts no references. */
void advance(struct touch *touch, int by)
{
    touch->position_count = touch->position_count + by;
    if (touch->position_count > 100)
        touch->position_count = 0;
}

void stop(struct touch *touch)
{
    FreeLibrary(touch->user);
    touch->user = NULL;
}

/* Before any other thread is there. */
static CRITICAL_SECTION guard;
static HMODULE codec;

int codec_init(void)
{
    InitializeCriticalSection(&guard);
    codec = LoadLibraryExA("codec.dll", NULL, LOAD_LIBRARY_SEARCH_APPLICATION_DIR);
    return codec ? 0 : -1;
}

HMODULE codec_get(void)
{
    EnterCriticalSection(&guard);
    HMODULE held = codec;
    LeaveCriticalSection(&guard);
    return held;
}

void codec_close(void)
{
    EnterCriticalSection(&guard);
    if (codec)
        FreeLibrary(codec);
    codec = NULL;
    LeaveCriticalSection(&guard);
}
