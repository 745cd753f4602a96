// Numbers that a typed pointer into a file's bytes leads to are as untrusted as those put together from bytes
#include <windows.h>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

class Image {
public:
    explicit Image(std::vector<uint8_t> bytes) : m_bytes(std::move(bytes)) {}
    uint32_t addressOf(size_t ordinals, size_t i) const;
    uint32_t addressAsked(size_t ordinals, size_t i) const;
    const IMAGE_SECTION_HEADER *find(uint32_t rva) const;
    HMODULE open(const wchar_t *path) { return LoadLibraryExW(path, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32); }

private:
    template <typename T>
    const T *at(size_t offset) const
    {
        if (offset > m_bytes.size() || m_bytes.size() - offset < sizeof(T))
            throw std::runtime_error("too short");
        return reinterpret_cast<const T *>(m_bytes.data() + offset);
    }
    std::vector<uint8_t> m_bytes;
    size_t m_nt = 0;
};

uint32_t Image::addressOf(size_t ordinals, size_t i) const
{
    std::vector<uint32_t> table(16);
    const uint16_t ordinal = *at<uint16_t>(ordinals + i * 2);
    return table[ordinal]; //! CWE-125
}

uint32_t Image::addressAsked(size_t ordinals, size_t i) const
{
    std::vector<uint32_t> table(16);
    const uint16_t ordinal = *at<uint16_t>(ordinals + i * 2);
    if (ordinal >= table.size())
        return 0;
    return table[ordinal]; //! none
}

const IMAGE_SECTION_HEADER *Image::find(uint32_t rva) const
{
    const auto *nt = at<IMAGE_NT_HEADERS64>(m_nt);
    const IMAGE_SECTION_HEADER *s = at<IMAGE_SECTION_HEADER>(m_nt + sizeof(IMAGE_NT_HEADERS64));
    for (unsigned i = 0; i < nt->FileHeader.NumberOfSections; ++i, ++s) {
        const uint32_t begin = s->VirtualAddress; //! CWE-125
        if (rva >= begin && rva - begin < s->SizeOfRawData)
            return s;
    }
    return nullptr;
}
