// Loaders of frameworks: what fails gives null or false there as well, and a symbol dies with its library.
#include <ace/DLL.h>
#include <boost/dll/shared_library.hpp>
#include <llvm/Support/DynamicLibrary.h>
#include <wx/dynlib.h>

#include <string>

namespace dll = boost::dll;

typedef int (*Entry)(int);

int by_ace(const char *path) {
    ACE_DLL plug;
    plug.open(path);  //! CWE-252
    Entry entry = reinterpret_cast<Entry>(plug.symbol("entry"));
    return entry(1);  //! CWE-690
}

int by_ace_tested(const char *path) {
    ACE_DLL plug;
    if (plug.open(path) != 0)  //! none CWE-252
        return -1;
    Entry entry = reinterpret_cast<Entry>(plug.symbol("entry"));
    return entry ? entry(1) : -1;  //! none CWE-690
}

int by_wx(const wxString &path) {
    wxDynamicLibrary library;
    if (!library.Load(path))  //! none CWE-252
        return -1;
    Entry entry = reinterpret_cast<Entry>(library.GetSymbol("entry"));
    return entry(1);  //! CWE-690
}

int by_llvm(const char *path) {
    std::string why;
    if (llvm::sys::DynamicLibrary::LoadLibraryPermanently(path, &why))  //! none CWE-252
        return -1;
    auto entry = reinterpret_cast<Entry>(llvm::sys::DynamicLibrary::SearchForAddressOfSymbol("entry"));
    return entry(1);  //! CWE-690
}

class Strategy {
  public:
    explicit Strategy(const std::string &name) {
        if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != std::string::npos)
            return;
        library_.load(name, dll::load_mode::append_decorations | dll::load_mode::search_system_folders);  //! CWE-427
    }

  private:
    dll::shared_library library_;
};

class OwnStrategy {
  public:
    explicit OwnStrategy(const std::string &name) {
        if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != std::string::npos)
            return;
        library_.load("/opt/desk/" + name, dll::load_mode::append_decorations);  //! none CWE-427
    }

  private:
    dll::shared_library library_;
};
