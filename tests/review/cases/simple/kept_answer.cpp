// The answer of a signature check, kept in a member: one that another method compares, and one that nobody reads.
#include <windows.h>
#include <softpub.h>
#include <wintrust.h>

class Trust {
public:
    explicit Trust(WINTRUST_DATA *data) : data_(data)
    {
        data_->dwStateAction = WTD_STATEACTION_VERIFY;
        answer_ = WinVerifyTrust(nullptr, &action_, data_); //! none
    }
    ~Trust()
    {
        data_->dwStateAction = WTD_STATEACTION_CLOSE;
        WinVerifyTrust(nullptr, &action_, data_); //! none
    }
    Trust(const Trust &) = delete;
    bool good() const { return answer_ == ERROR_SUCCESS; }

private:
    GUID action_ = WINTRUST_ACTION_GENERIC_VERIFY_V2;
    WINTRUST_DATA *data_;
    LONG answer_ = TRUST_E_FAIL;
};

class Careless {
public:
    explicit Careless(WINTRUST_DATA *data) : data_(data)
    {
        data_->dwStateAction = WTD_STATEACTION_VERIFY;
        seen_ = WinVerifyTrust(nullptr, &action_, data_); //! CWE-347
    }
    Careless(const Careless &) = delete;

private:
    GUID action_ = WINTRUST_ACTION_GENERIC_VERIFY_V2;
    WINTRUST_DATA *data_;
    LONG seen_ = 0;
};

HMODULE open_trusted(WINTRUST_DATA *data, const wchar_t *file)
{
    Trust trust(data);
    if (!trust.good())
        return nullptr;
    return LoadLibraryExW(file, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
}
