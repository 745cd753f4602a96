// The full test of the answer only reports; what is returned refuses one of the ways to say no.
#include <windows.h>
#include <wintrust.h>
#include <softpub.h>

static void note(const wchar_t *what, LONG code);

bool genuine(WINTRUST_DATA *data)
{
    GUID action = WINTRUST_ACTION_GENERIC_VERIFY_V2;
    data->dwStateAction = WTD_STATEACTION_VERIFY;
    LONG rc = WinVerifyTrust(nullptr, &action, data);
    if (rc != 0)
        note(L"signature", rc);
    data->dwStateAction = WTD_STATEACTION_CLOSE;
    WinVerifyTrust(nullptr, &action, data); //! none
    return rc != CERT_E_EXPIRED; //! CWE-253
}

struct Closing {
    WINTRUST_DATA *data;
    ~Closing()
    {
        GUID action = WINTRUST_ACTION_GENERIC_VERIFY_V2;
        data->dwStateAction = WTD_STATEACTION_CLOSE;
        WinVerifyTrust(nullptr, &action, data); //! none
    }
};

HMODULE load(const wchar_t *path, WINTRUST_DATA *data)
{
    return genuine(data) ? LoadLibraryExW(path, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32) : nullptr;
}
