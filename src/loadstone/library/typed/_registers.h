/* One call shape for every signature, without anything of Python.
 *
 * System V x86-64 and AAPCS64 assign integer and floating registers independently, in the order of the arguments, and
 * what finds no register goes to the stack in words of eight bytes, whatever its class. So filling all registers and as
 * many stack words as there are is right for every signature: those the function does not read do no harm, and the
 * caller takes the words back. (System V ABI AMD64 3.2.3; AAPCS64 6.8.2. Apple's AArch64 packs stack arguments.)
 */
#ifndef LOADSTONE_REGISTERS_H
#define LOADSTONE_REGISTERS_H

#include <stdint.h>

#if defined(__x86_64__) && !defined(_WIN32) && !defined(__ILP32__)
#  define LOADSTONE_CALLS 1
#  define INTEGERS 6
#  define STACK 8
#elif defined(__aarch64__) && !defined(_WIN32) && !defined(__ILP32__)
#  define LOADSTONE_CALLS 1
#  define INTEGERS 8
#  ifdef __APPLE__
#    define STACK 0
#  else
#    define STACK 8
#  endif
#else
#  define LOADSTONE_CALLS 0
#  define INTEGERS 0
#  define STACK 0
#endif
#define FLOATS 8

/* A register or a stack word. A float is the low half of one, by its own bits. */
typedef union {
    uint64_t integer;
    double real;
    float single;
} Word;

typedef struct {
    Word integers[INTEGERS + 1]; /* one more each, so that no array is empty */
    Word floats[FLOATS];
    Word stack[STACK + 1];
} Registers;

/* All of it as one row of words: what was placed once is found again by its number. */
static inline Word *
word_at(Registers *registers, unsigned slot)
{
    return (Word *)(void *)registers + slot;
}

static inline unsigned
slot_of(const Registers *registers, const Word *word)
{
    return (unsigned)(word - (const Word *)(const void *)registers);
}

/* What of it a call has to fill: loading eight floating registers costs as much as a small function. */
typedef enum { ONLY_INTEGERS, IN_REGISTERS, ALL } Shape;

#if LOADSTONE_CALLS

#  if INTEGERS == 6
#    define I_TYPES uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#    define I_WORDS(r)                                                                                                 \
      (r)->integers[0].integer, (r)->integers[1].integer, (r)->integers[2].integer, (r)->integers[3].integer,          \
          (r)->integers[4].integer, (r)->integers[5].integer
#  else
#    define I_TYPES uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#    define I_WORDS(r)                                                                                                 \
      (r)->integers[0].integer, (r)->integers[1].integer, (r)->integers[2].integer, (r)->integers[3].integer,          \
          (r)->integers[4].integer, (r)->integers[5].integer, (r)->integers[6].integer, (r)->integers[7].integer
#  endif
#  define F_TYPES double, double, double, double, double, double, double, double
#  define F_WORDS(r)                                                                                                   \
    (r)->floats[0].real, (r)->floats[1].real, (r)->floats[2].real, (r)->floats[3].real, (r)->floats[4].real,           \
        (r)->floats[5].real, (r)->floats[6].real, (r)->floats[7].real
#  define S_TYPES uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#  define S_WORDS(r)                                                                                                   \
    (r)->stack[0].integer, (r)->stack[1].integer, (r)->stack[2].integer, (r)->stack[3].integer,                        \
        (r)->stack[4].integer, (r)->stack[5].integer, (r)->stack[6].integer, (r)->stack[7].integer

#  define CALL_INTEGERS(type, address, r) ((type(*)(I_TYPES))(address))(I_WORDS(r))
#  define CALL_REGISTERS(type, address, r) ((type(*)(I_TYPES, F_TYPES))(address))(I_WORDS(r), F_WORDS(r))
#  if STACK
#    define CALL_ALL(type, address, r)                                                                                 \
      ((type(*)(I_TYPES, F_TYPES, S_TYPES))(address))(I_WORDS(r), F_WORDS(r), S_WORDS(r))
#  else
#    define CALL_ALL CALL_REGISTERS
#  endif
#  define CALL(type, address, r, shape)                                                                                \
    ((shape) == ONLY_INTEGERS  ? CALL_INTEGERS(type, address, r)                                                       \
     : (shape) == IN_REGISTERS ? CALL_REGISTERS(type, address, r)                                                      \
                               : CALL_ALL(type, address, r))

/* Call the function at that address and keep what it returns; ``result`` is f, d, or anything else for an integer. */
static inline Word
call_with(uintptr_t address, const Registers *registers, Shape shape, char result)
{
    Word word = {0};
    switch (result) {
    case 'd': word.real = CALL(double, address, registers, shape); break;
    case 'f': word.single = CALL(float, address, registers, shape); break;
    default: word.integer = CALL(uint64_t, address, registers, shape);
    }
    return word;
}

#endif
#endif
