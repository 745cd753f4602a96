/* Structs by value among the arguments of a call and as its result, without anything of Python.
 *
 * A struct is described by its words, a letter each: ``i`` for eight bytes in an integer register, ``d`` for eight and
 * ``f`` for four in a floating one; or by the one letter ``m``: it lies among the stack words, or ``r``: it lies
 * anywhere, and its address is passed. fastcall.py writes them. (System V ABI AMD64 3.2.3; AAPCS64 6.8.2 and 6.9.)
 */
#ifndef LOADSTONE_STRUCTS_H
#define LOADSTONE_STRUCTS_H

#include <stddef.h>
#include <string.h>

#include "_registers.h"

#if LOADSTONE_CALLS

/* Where the next arguments of a call lie. */
typedef struct {
    Word *integer, *last_integer;
    Word *real, *last_real;
    Word *stack;
} Places;

static inline Places
places_of(Word *integers, Word *floats, Word *stack)
{
    return (Places){integers, integers + INTEGERS, floats, floats + FLOATS, stack};
}

static inline Word *
next_integer(Places *places)
{
    return places->integer < places->last_integer ? places->integer++ : places->stack++;
}

static inline Word *
next_real(Places *places)
{
    return places->real < places->last_real ? places->real++ : places->stack++;
}

/* Whether a struct of these words is a result that goes back by memory. */
static inline int
in_memory(const char *words)
{
    return words[0] == 'm' || words[0] == 'r';
}

static inline size_t
word_size(char word)
{
    return word == 'f' ? 4 : 8;
}

/* Take the places of a struct: in registers whole, or not at all and then on the stack, of which the start is returned;
 * NULL when each word has its own. By AAPCS64 (C.4 and C.13) what comes later finds no register of that class either. */
static inline Word *
struct_places(Places *places, const char *words, size_t size, Word *each[4])
{
    const ptrdiff_t count = (ptrdiff_t)strlen(words);
    ptrdiff_t integers = 0;
    for (const char *word = words; *word; word++) {
        integers += *word == 'i';
    }
    const ptrdiff_t reals = count - integers;
    if (words[0] == 'm' || integers > places->last_integer - places->integer || reals > places->last_real - places->real) {
        Word *all = places->stack;
        places->stack += (size + 7) / 8;
#  if defined(__aarch64__)
        if (integers > 0) {
            places->integer = places->last_integer;
        } else {
            places->real = places->last_real;
        }
#  endif
        return all;
    }
    for (ptrdiff_t at = 0; at < count; at++) {
        each[at] = words[at] == 'i' ? places->integer++ : places->real++;
    }
    return NULL;
}

/* Give a call a struct. ``r`` is not for here: C may write to what it is given the address of. */
static inline void
struct_given(Places *places, const char *words, size_t size, const void *content)
{
    Word *each[4];
    Word *all = struct_places(places, words, size, each);
    if (all != NULL) {
        memcpy(all, content, size);
        return;
    }
    size_t done = 0;
    for (size_t at = 0; words[at]; at++) {
        const size_t left = size - done, step = word_size(words[at]);
        each[at]->integer = 0;
        memcpy(each[at], (const char *)content + done, left < step ? left : step);
        done += step;
    }
}

/* Take a struct from the arguments of a call. */
static inline void
struct_taken(Places *places, const char *words, size_t size, void *content)
{
    Word *each[4];
    const void *all = words[0] == 'r' ? (const void *)(uintptr_t)next_integer(places)->integer
                                      : struct_places(places, words, size, each);
    if (all != NULL) {
        memcpy(content, all, size);
        return;
    }
    size_t done = 0;
    for (size_t at = 0; words[at]; at++) {
        const size_t left = size - done, step = word_size(words[at]);
        memcpy((char *)content + done, each[at], left < step ? left : step);
        done += step;
    }
}

/* The registers that a result comes back in, and whether the address of one in memory is the first argument. */
#  if defined(__aarch64__)
#    define RESULT_FLOATS 4
#    define PLACE_IS_ARGUMENT 0
#  else
#    define RESULT_FLOATS 2
#    define PLACE_IS_ARGUMENT 1
#  endif
typedef struct {
    Word integers[2];
    Word floats[RESULT_FLOATS];
} Result;

/* Put a struct of these words, or get it, where its first words of each class are. */
static inline Places
places_of_result(Result *result)
{
    return (Places){result->integers, result->integers + 2, result->floats, result->floats + RESULT_FLOATS, NULL};
}

#  define PAIR(name, first, second)                                                                                    \
    typedef struct {                                                                                                   \
        first a;                                                                                                       \
        second b;                                                                                                      \
    } name;
PAIR(Integers, uint64_t, uint64_t)
#  if defined(__aarch64__)
typedef struct {
    double each[4];
} Doubles;
typedef struct {
    float each[4];
} Floats;
#  else
PAIR(Doubles, double, double)
PAIR(IntegerDouble, uint64_t, double)
PAIR(DoubleInteger, double, uint64_t)
#  endif
#  undef PAIR

/* Call a function that returns a struct of these words in registers. */
static inline Result
call_for_struct(uintptr_t address, const Registers *registers, Shape shape, const char *words)
{
    Result result;
    memset(&result, 0, sizeof result);
    if (words[0] == 'i' && words[1] != 'd') {
        Integers got = CALL(Integers, address, registers, shape);
        memcpy(result.integers, &got, sizeof got);
#  if defined(__aarch64__)
    } else if (words[0] == 'f') {
        Floats got = CALL(Floats, address, registers, shape);
        for (int at = 0; at < 4; at++) {
            result.floats[at].single = got.each[at];
        }
    } else {
        Doubles got = CALL(Doubles, address, registers, shape);
        memcpy(result.floats, &got, sizeof got);
    }
#  else
    } else if (words[0] == 'i') {
        IntegerDouble got = CALL(IntegerDouble, address, registers, shape);
        result.integers[0].integer = got.a;
        result.floats[0].real = got.b;
    } else if (words[1] == 'i') {
        DoubleInteger got = CALL(DoubleInteger, address, registers, shape);
        result.floats[0].real = got.a;
        result.integers[0].integer = got.b;
    } else {
        Doubles got = CALL(Doubles, address, registers, shape);
        memcpy(result.floats, &got, sizeof got);
    }
#  endif
    return result;
}

#endif
#endif
