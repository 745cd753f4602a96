/* hwabi: talks to the vendor DLL of a measuring card. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma pack(push, 8)
typedef struct CARD_INFO {
    DWORD size;
    BYTE slot;
    ULONGLONG serial;
    char model[24];
} CARD_INFO;
#pragma pack(pop)

typedef LONG (WINAPI *CardOpenFn)(DWORD slot, HANDLE *out);
typedef LONG (WINAPI *CardInfoFn)(HANDLE card, CARD_INFO *info);
typedef LONG (WINAPI *CardCloseFn)(HANDLE card);

struct vendor {
    HMODULE dll;
    CardOpenFn open;
    CardInfoFn info;
    CardCloseFn close;
};

static CRITICAL_SECTION vendor_cs;
static struct vendor vendor;

static BOOL vendor_load(void)
{
    WCHAR sys[MAX_PATH];
    UINT n = GetSystemDirectoryW(sys, MAX_PATH);

    if (n == 0 || n > MAX_PATH - 16)
        return FALSE;
    wcscat(sys, L"\\vendcard.dll");
    vendor.dll = LoadLibraryW(sys); //! none
    if (vendor.dll == NULL)
        return FALSE;
    vendor.open = (CardOpenFn)GetProcAddress(vendor.dll, "CardOpen"); //! none
    vendor.info = (CardInfoFn)GetProcAddress(vendor.dll, "CardInfo"); //! none
    vendor.close = (CardCloseFn)GetProcAddress(vendor.dll, "CardClose"); //! none
    if (!vendor.open || !vendor.info || !vendor.close) {
        FreeLibrary(vendor.dll); //! none
        ZeroMemory(&vendor, sizeof vendor);
        return FALSE;
    }
    return TRUE;
}

BOOL card_model(DWORD slot, char *out, size_t cap)
{
    CARD_INFO ci;
    HANDLE card;
    BOOL ok = FALSE;

    EnterCriticalSection(&vendor_cs);
    if (!vendor.dll && !vendor_load()) {
        LeaveCriticalSection(&vendor_cs);
        return FALSE;
    }
    if (vendor.open(slot, &card) != 0) {
        LeaveCriticalSection(&vendor_cs);
        return FALSE;
    }
    ZeroMemory(&ci, sizeof ci);
    ci.size = sizeof ci;
    if (vendor.info(card, &ci) == 0) {
        ci.model[sizeof ci.model - 1] = 0;
        strncpy(out, ci.model, cap - 1); //! none
        out[cap - 1] = 0;
        ok = TRUE;
    }
    vendor.close(card);
    LeaveCriticalSection(&vendor_cs);
    return ok;
}
