// resfork: reads the resource index of a skin file and loads the theme engine it names.
#include <windows.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace resfork {

#pragma pack(push, 1)
struct Header {
    char magic[4];
    std::uint32_t entries;
    std::uint32_t names;
    std::uint16_t engine;
};
struct Entry {
    std::uint32_t name;
    std::uint32_t data;
    std::uint32_t size;
};
#pragma pack(pop)

static const wchar_t* const kEngines[] = {L"flat.dll", L"gloss.dll", L"retro.dll"};

class Skin {
public:
    explicit Skin(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}
    bool parse();
    const char* nameOf(std::uint32_t i) const;
    bool copyData(std::uint32_t i, std::uint8_t* to, std::size_t cap) const;
    HMODULE engine(const std::wstring& dir) const;

private:
    std::vector<std::uint8_t> bytes_;
    Header head_{};
    std::vector<Entry> entries_;
};

bool Skin::parse()
{
    if (bytes_.size() < sizeof(Header))
        return false;
    std::memcpy(&head_, bytes_.data(), sizeof head_); //! none
    if (std::memcmp(head_.magic, "SKIN", 4) != 0)
        return false;
    if (head_.entries > (bytes_.size() - sizeof(Header)) / sizeof(Entry))
        return false;
    entries_.resize(head_.entries);
    std::memcpy(entries_.data(), bytes_.data() + sizeof(Header), entries_.size() * sizeof(Entry)); //! none
    return true;
}

const char* Skin::nameOf(std::uint32_t i) const
{
    if (i >= entries_.size())
        return nullptr;
    const std::uint64_t at = std::uint64_t{head_.names} + entries_[i].name;
    if (at >= bytes_.size() || !std::memchr(bytes_.data() + at, 0, bytes_.size() - at))
        return nullptr;
    return reinterpret_cast<const char*>(bytes_.data() + at);
}

bool Skin::copyData(std::uint32_t i, std::uint8_t* to, std::size_t cap) const
{
    if (i >= entries_.size())
        return false;
    const Entry& e = entries_[i];
    if (e.data > bytes_.size() || e.size > bytes_.size() - e.data)
        return false;
    if (e.size > cap)
        return false;
    std::memcpy(to, bytes_.data() + e.data, e.size); //! none
    return true;
}

HMODULE Skin::engine(const std::wstring& dir) const
{
    if (head_.engine >= sizeof kEngines / sizeof kEngines[0])
        return nullptr;
    const std::wstring file = dir + L"\\" + kEngines[head_.engine];
    return ::LoadLibraryExW(file.c_str(), nullptr, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32); //! none
}

}  // namespace resfork
