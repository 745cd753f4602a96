/* Loadstone plugin metadata: lets a host read what a plugin is without loading it.
 *
 *     #include <loadstone_plugin.h>
 *     LOADSTONE_PLUGIN("{\"iid\": \"org.example.Codec/2\", \"name\": \"flac\"}");
 *
 * Once in one source file of the plugin, at file scope. The text is UTF-8 JSON of at most 64 KiB:
 *   "iid"  (text, required) the interface the plugin implements; hosts choose plugins by it
 *   "name" (text)           what the plugin calls itself
 *   "data" (object)         anything the host and its plugins agree on
 *
 * ELF: a note, owner "Loadstone", type 1. PE and Mach-O: a read-only section that begins with "LOADSTONE 1\0".
 * Nothing is executed at load and no symbol is exported. SPDX-License-Identifier: MIT
 */
#ifndef LOADSTONE_PLUGIN_H
#define LOADSTONE_PLUGIN_H

#if defined(_WIN32) || defined(__CYGWIN__)
#  ifdef _MSC_VER
#    pragma section(".lodston", read)
#    define LOADSTONE_PLACE_ __declspec(allocate(".lodston"))
#  else
#    define LOADSTONE_PLACE_ __attribute__((section(".lodston"), used))
#  endif
#elif defined(__APPLE__)
#  define LOADSTONE_PLACE_ __attribute__((section("__TEXT,__loadstone"), used))
#else
#  define LOADSTONE_NOTE_ 1
#  if defined(__has_attribute)
#    if __has_attribute(retain)
#      define LOADSTONE_PLACE_ __attribute__((section(".note.loadstone"), used, retain, aligned(4)))
#    endif
#  endif
#  ifndef LOADSTONE_PLACE_
#    define LOADSTONE_PLACE_ __attribute__((section(".note.loadstone"), used, aligned(4)))
#  endif
#endif

#ifdef LOADSTONE_NOTE_
/* An ELF note: sizes, type, owner padded to four bytes, content padded to four bytes. */
#  define LOADSTONE_PLUGIN(json)                                                                                       \
    static const struct {                                                                                              \
        unsigned int owner_size, content_size, type;                                                                   \
        char owner[12];                                                                                                \
        char content[(sizeof(json) + 3) / 4 * 4];                                                                      \
    } loadstone_plugin_ LOADSTONE_PLACE_ = {10, sizeof(json), 1, "Loadstone", json}
#else
#  define LOADSTONE_PLUGIN(json)                                                                                       \
    static const struct {                                                                                              \
        char magic[12];                                                                                                \
        char content[sizeof(json)];                                                                                    \
    } loadstone_plugin_ LOADSTONE_PLACE_ = {"LOADSTONE 1", json}
#endif

#endif
