// Counts of a COM server
#include <windows.h>
#include <objbase.h>

static LONG g_objects;
static LONG g_locks;
static HMODULE g_codec;

class Thumb : public IThing, public IInitializeWithStream
{
public:
    Thumb() : m_ref(1) { g_objects++; } // expect: CWE-366
    ~Thumb()
    {
        if (m_stream)
            m_stream->Release();
        InterlockedDecrement(&g_objects);
    }
    STDMETHODIMP QueryInterface(REFIID iid, void **out)
    {
        if (iid == IID_IUnknown || iid == IID_IThing) {
            *out = static_cast<IThing *>(this); // expect: CWE-911
            return S_OK;
        }
        *out = nullptr;
        return E_NOINTERFACE;
    }
    STDMETHODIMP_(ULONG) AddRef() { return InterlockedIncrement(&m_ref); }
    STDMETHODIMP_(ULONG) Release()
    {
        if (InterlockedDecrement(&m_ref) == 0)
            delete this;
        return m_ref; // expect: CWE-416
    }
    STDMETHODIMP Initialize(IStream *stream, DWORD)
    {
        m_stream = stream; // expect: CWE-911
        return S_OK;
    }

private:
    LONG m_ref;
    IStream *m_stream = nullptr;
};

bool load()
{
    g_codec = LoadLibraryExW(L"C:\\Program Files\\Thumb\\codec.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
    return g_codec != nullptr;
}

STDAPI DllCanUnloadNow()
{
    if (g_locks != 0)
        return S_FALSE;
    return S_OK; // expect: CWE-911
}

void lockServer(bool lock)
{
    if (lock)
        InterlockedIncrement(&g_locks);
    else
        InterlockedDecrement(&g_locks);
}
