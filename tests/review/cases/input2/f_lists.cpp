// Access lists by name, and who may connect.
#include <windows.h>
#include <sddl.h>
#include <QFile>
#include <QLocalServer>
#include <QLibrary>
#include <filesystem>

static const wchar_t kEverybody[] = L"D:P(A;OICI;FA;;;WD)";
static const wchar_t kReaders[] = L"D:P(A;OICI;FA;;;BA)(A;OICI;FRFX;;;WD)";

static bool makeWith(const wchar_t *path, const wchar_t *sddl)
{
    PSECURITY_DESCRIPTOR sd = nullptr;
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, &sd, nullptr))
        return false;
    SECURITY_ATTRIBUTES sa = {sizeof sa, sd, FALSE};
    const BOOL ok = CreateDirectoryW(path, &sa);
    LocalFree(sd);
    return ok != FALSE;
}

bool cache(const wchar_t *path) { return makeWith(path, kEverybody); } //! CWE-732
bool plugins(const wchar_t *path) { return makeWith(path, kReaders); } //! none

void closeUp(const std::filesystem::path &p)
{
    std::filesystem::permissions(p, std::filesystem::perms::others_write, std::filesystem::perm_options::remove); //! none
    std::filesystem::permissions(p, std::filesystem::perms::owner_all); //! none
}

bool keep(QFile &f)
{
    f.setPermissions(QFile::ReadOwner | QFile::WriteOwner | QFile::ReadOther); //! none
    QLibrary lib(f.fileName());
    return lib.load();
}

bool listen(QLocalServer &s)
{
    s.setSocketOptions(QLocalServer::WorldAccessOption); //! CWE-732
    return s.listen("host");
}

bool listenOwn(QLocalServer &s)
{
    s.setSocketOptions(QLocalServer::UserAccessOption); //! none
    return s.listen("host");
}
