#include <windows.h>
#include <sddl.h>

namespace {

SECURITY_ATTRIBUTES attributes{sizeof attributes, nullptr, FALSE};

bool describeForClients()
{
    return ConvertStringSecurityDescriptorToSecurityDescriptorW(
        L"D:P(A;;GA;;;SY)(A;;GRGW;;;IU)", SDDL_REVISION_1, &attributes.lpSecurityDescriptor, nullptr); //! none CWE-732
}

bool describeForEverybody()
{
    return ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:P(A;;GA;;;WD)", SDDL_REVISION_1, &attributes.lpSecurityDescriptor, nullptr); //! CWE-732
}

} // namespace

HANDLE listen(bool everybody)
{
    if (!(everybody ? describeForEverybody() : describeForClients()))
        return INVALID_HANDLE_VALUE;
    return CreateNamedPipeW(L"\\\\.\\pipe\\render", PIPE_ACCESS_DUPLEX, PIPE_TYPE_MESSAGE, 4, 4096, 4096, 0, &attributes);
}

int render()
{
    HMODULE renderer = LoadLibraryExW(L"C:\\Program Files\\Render\\render.dll", nullptr, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR);
    if (renderer == nullptr)
        return -1;
    FreeLibrary(renderer);
    return 0;
}
