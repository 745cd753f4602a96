/* Calls of C functions, and of Python functions by C, at the speed of built-in ones.
 *
 * The registers and the stack words of a call are filled in place, without libffi: see _registers.h and _structs.h; those
 * of a call by C are found in a frame: see _trampolines.h.
 *
 * Every Function keeps the ctypes function it stands for. Whatever is not the plainest kind of argument (a wrong count,
 * a wrong type, a number out of range, a foreign pointer) is handed to that one with all arguments, before anything was
 * called: so there is one place for the rules and for the words of errors.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>

#include "_registers.h"
#include "_structs.h"
#include "_trampolines.h"

#define PARAMETERS (INTEGERS + FLOATS + STACK)

/* Which arguments, letters and classes are agreed on with Python; typed/__init__.py has the same number. Both change
 * whenever what one of them means does. */
#define AGREEMENT 2

/* -- Life: whether what a library gave out may still be used, and how many calls into it are under way ------------- */

typedef struct {
    PyObject_HEAD
    int open;
    Py_ssize_t calls;
    PyObject *file_name;
} Life;

/* Count a call, then look whether it may be made; close() does the two the other way round, so one sees the other. All
 * of it is done under the interpreter lock where there is one; without one the order has to be kept by the processor,
 * which costs as much as the rest of a call. */
#if defined(Py_GIL_DISABLED)
#  define COUNT(place, step) __atomic_add_fetch(place, step, __ATOMIC_SEQ_CST)
#  define READ(place) __atomic_load_n(place, __ATOMIC_SEQ_CST)
#  define WRITE(place, value) __atomic_store_n(place, value, __ATOMIC_SEQ_CST)
#else
#  define COUNT(place, step) (*(place) += (step))
#  define READ(place) (*(place))
#  define WRITE(place, value) (*(place) = (value))
#endif

static int
life_enter(Life *life)
{
    COUNT(&life->calls, 1);
    return READ(&life->open);
}

static void
life_leave(Life *life)
{
    COUNT(&life->calls, -1);
}

static PyObject *
life_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *file_name;
    if (!PyArg_ParseTuple(args, "U", &file_name)) {
        return NULL;
    }
    Life *self = (Life *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->open = 1;
        self->file_name = Py_NewRef(file_name);
    }
    return (PyObject *)self;
}

static void
life_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    Py_XDECREF(((Life *)object)->file_name);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *
life_close(PyObject *object, PyObject *ignored)
{
    Life *self = (Life *)object;
    WRITE(&self->open, 0);
    return PyLong_FromSsize_t(READ(&self->calls));
}

static PyObject *
life_reopen(PyObject *object, PyObject *ignored)
{
    WRITE(&((Life *)object)->open, 1);
    Py_RETURN_NONE;
}

static PyObject *
life_python_enter(PyObject *object, PyObject *ignored)
{
    return PyBool_FromLong(life_enter((Life *)object));
}

static PyObject *
life_python_leave(PyObject *object, PyObject *ignored)
{
    life_leave((Life *)object);
    Py_RETURN_NONE;
}

static PyMethodDef life_methods[] = {
    {"close", life_close, METH_NOARGS, NULL},
    {"reopen", life_reopen, METH_NOARGS, NULL},
    {"enter", life_python_enter, METH_NOARGS, NULL},
    {"leave", life_python_leave, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef life_members[] = {
    {"is_open", T_INT, offsetof(Life, open), READONLY, NULL},
    {"calls", T_PYSSIZET, offsetof(Life, calls), READONLY, NULL},
    {"file_name", T_OBJECT_EX, offsetof(Life, file_name), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot life_slots[] = {
    {Py_tp_new, life_new}, {Py_tp_dealloc, life_dealloc}, {Py_tp_methods, life_methods}, {Py_tp_members, life_members},
    {0, NULL},
};

static PyType_Spec life_spec = {
    .name = "loadstone.library.typed._fastcall.Life",
    .basicsize = sizeof(Life),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = life_slots,
};

/* -- Address: what a pointer with a type is, below its Python class ------------------------------------------------ */

typedef struct {
    PyObject_HEAD
    uintptr_t address;
    PyObject *life;
    PyObject *weak;
} Address;

static PyObject *
address_made(PyTypeObject *type, uintptr_t address, PyObject *life)
{
    Address *self = (Address *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->address = address;
        self->life = Py_NewRef(life);
    }
    return (PyObject *)self;
}

static PyObject *
address_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    unsigned long long address;
    PyObject *life;
    if (!PyArg_ParseTuple(args, "KO", &address, &life)) {
        return NULL;
    }
    return address_made(type, (uintptr_t)address, life);
}

static void
address_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    if (((Address *)object)->weak != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    Py_XDECREF(((Address *)object)->life);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMemberDef address_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Address, weak), READONLY, NULL},
    {"address", T_ULONGLONG, offsetof(Address, address), READONLY, NULL},
    {"life", T_OBJECT, offsetof(Address, life), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot address_slots[] = {
    {Py_tp_new, address_new}, {Py_tp_dealloc, address_dealloc}, {Py_tp_members, address_members}, {0, NULL},
};

static PyType_Spec address_spec = {
    .name = "loadstone.library.typed._fastcall.Address",
    .basicsize = sizeof(Address),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = address_slots,
};

/* -- Values on their way to C and back ----------------------------------------------------------------------------- */

/* What one pointer or struct parameter takes without more ado. Classes are compared exactly; the others are NULL. */
typedef struct {
    PyObject *same;   /* pointers of its type */
    PyObject *other;  /* pointers of its type without or with const */
    PyObject *record; /* the struct it points to, or that it is */
    PyObject *signature; /* of a function pointer: the type that a callback was made for */
    const char *letters; /* formats of the items that a buffer for it may have, of that size */
    const char *words;   /* of a struct: see _structs.h */
    int integers, reals, stacked; /* of a struct: the places that are taken before it */
    Py_ssize_t size;
    Py_ssize_t least; /* bytes that an array must have at least */
    int never_null;
    PyObject *convert; /* what gives (address, what to keep) of anything else, or raises */
} Accepted;

/* The buffers and objects that must stay where they are until a call is over. */
typedef struct {
    Py_buffer views[PARAMETERS + 1];
    PyObject *kept[PARAMETERS + 1];
    int held, keeping;
} Lent;

/* The value of an int of one digit, as most are, read without a call; 0 when it has more. */
static int
short_number(PyObject *value, int64_t *out)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyLongObject *number = (PyLongObject *)value;
    *out = PyUnstable_Long_IsCompact(number) ? PyUnstable_Long_CompactValue(number) : 0;
    return PyUnstable_Long_IsCompact(number);
#else
    const Py_ssize_t digits = Py_SIZE(value); /* with the sign of the number */
    *out = (int64_t)digits * (int64_t)((PyLongObject *)value)->ob_digit[0];
    return digits >= -1 && digits <= 1;
#endif
}

/* The value as an integer of at most 32 bits, or of 64 with a sign; 0 when it is none or does not fit. */
static Py_ALWAYS_INLINE inline int
signed_number(PyObject *value, int64_t low, int64_t high, uint64_t *out)
{
    int overflow = 0;
    int64_t number;
    if (!PyLong_Check(value)) {
        return 0;
    }
    if (!short_number(value, &number)) {
        number = PyLong_AsLongLongAndOverflow(value, &overflow);
    }
    if (overflow || number < low || number > high) {
        return 0;
    }
    *out = (uint64_t)number;
    return 1;
}

static int
unsigned_number(PyObject *value, uint64_t *out)
{
    int64_t short_one;
    if (!PyLong_Check(value)) {
        return 0;
    }
    if (short_number(value, &short_one)) {
        *out = (uint64_t)short_one;
        return short_one >= 0;
    }
    unsigned long long number = PyLong_AsUnsignedLongLong(value);
    if (number == (unsigned long long)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    *out = number;
    return 1;
}

static int
floating(PyObject *value, int single, Word *out)
{
    double number;
    if (PyFloat_Check(value)) {
        number = PyFloat_AS_DOUBLE(value);
    } else if (!PyLong_Check(value)) {
        return 0;
    } else if ((number = PyLong_AsDouble(value)) == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    if (single) {
        out->integer = 0;
        out->single = (float)number;
    } else {
        out->real = number;
    }
    return 1;
}

static int
character(PyObject *value, uint64_t *out)
{
    if (!PyBytes_CheckExact(value) || PyBytes_GET_SIZE(value) != 1) {
        return 0;
    }
    *out = (uint64_t)(int64_t)(char)PyBytes_AS_STRING(value)[0];
    return 1;
}

static int
wide_character(PyObject *value, uint32_t highest, uint64_t *out)
{
    if (!PyUnicode_CheckExact(value) || PyUnicode_GET_LENGTH(value) != 1) {
        return 0;
    }
    Py_UCS4 one = PyUnicode_READ_CHAR(value, 0);
    *out = one;
    return one <= highest;
}

/* A number, character or floating value of that kind; 0 when the value is not of the plainest sort. */
static int
scalar(char kind, PyObject *value, Word *out)
{
    switch (kind) {
    case 'b': return signed_number(value, INT8_MIN, INT8_MAX, &out->integer);
    case 'B': return signed_number(value, 0, UINT8_MAX, &out->integer);
    case 'h': return signed_number(value, INT16_MIN, INT16_MAX, &out->integer);
    case 'H': return signed_number(value, 0, UINT16_MAX, &out->integer);
    case 'i': return signed_number(value, INT32_MIN, INT32_MAX, &out->integer);
    case 'I': return signed_number(value, 0, UINT32_MAX, &out->integer);
    case 'q': return signed_number(value, INT64_MIN, INT64_MAX, &out->integer);
    case 'Q': return unsigned_number(value, &out->integer);
    case '?': out->integer = value == Py_True; return PyBool_Check(value);
    case 'c': return character(value, &out->integer);
    case 'w': return wide_character(value, 0xffff, &out->integer);
    case 'W': return wide_character(value, 0x10ffff, &out->integer);
    case 'f': return floating(value, 1, out);
    case 'd': return floating(value, 0, out);
    default: return 0;
    }
}

static PyObject *
as_object(char kind, Word word, PyObject *class, PyObject *life)
{
    uint64_t integer = word.integer;
    switch (kind) {
    case 'b': return PyLong_FromLong((int8_t)integer);
    case 'B': return PyLong_FromLong((uint8_t)integer);
    case 'h': return PyLong_FromLong((int16_t)integer);
    case 'H': return PyLong_FromLong((uint16_t)integer);
    case 'i': return PyLong_FromLong((int32_t)integer);
    case 'I': return PyLong_FromUnsignedLongLong((uint32_t)integer);
    case 'q': return PyLong_FromLongLong((int64_t)integer);
    case 'Q': return PyLong_FromUnsignedLongLong(integer);
    case '?': return PyBool_FromLong((uint8_t)integer);
    case 'c': {
        char one = (char)integer;
        return PyBytes_FromStringAndSize(&one, 1);
    }
    case 'w': return PyUnicode_FromOrdinal((uint16_t)integer);
    case 'W': return PyUnicode_FromOrdinal((int)(uint32_t)integer);
    case 'f': return PyFloat_FromDouble(word.single);
    case 'd': return PyFloat_FromDouble(word.real);
    case 'v': Py_RETURN_NONE;
    }
    if (integer == 0) {
        Py_RETURN_NONE;
    }
    switch (kind) {
    case 's': return PyBytes_FromString((const char *)(uintptr_t)integer);
    case 'S': {
        const char *text = (const char *)(uintptr_t)integer;
        return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), NULL);
    }
    case 'T': return address_made((PyTypeObject *)class, (uintptr_t)integer, life);
    default: return PyLong_FromUnsignedLongLong(integer);
    }
}

#if LOADSTONE_CALLS

typedef struct {
    PyTypeObject *life;
    PyTypeObject *address;
    PyTypeObject *callback;
} State;

static State *state_of(PyTypeObject *type);

typedef struct {
    PyObject_HEAD
    PyObject *kind;
    PyObject *doc;
    PyObject *weak;
    PyObject *function;
    int number;
} Callback;

/* -- Function: Python calls C --------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    uintptr_t address;
    PyObject *slow;  /* the ctypes function for everything else */
    PyObject *owner; /* keeps the library loaded */
    Life *life;
    PyObject *special; /* ctypes types that are pointers or numbers, not memory */
    PyObject *name;
    PyObject *doc;
    PyObject *keep_errno; /* told errno after every call, or NULL */
    PyObject *classes;    /* keeps what accepted and result_class borrow */
    PyObject *result_class;
    const char *result_words; /* of a struct, or NULL */
    Py_ssize_t result_size;
    PyTypeObject *callback; /* the type of callbacks, or NULL */
    PyObject *weak;
    int count;
    char shape; /* a Shape: what of the registers and the stack is filled */
    char keep_gil;
    char result;
    char kinds[PARAMETERS + 1];
    unsigned char slots[PARAMETERS + 1]; /* the word of Registers for each that is no struct */
    Accepted accepted[PARAMETERS + 1];
} Function;

/* Whether it is a ctypes number, pointer or function, whose buffer is not what C is to see of it. */
static int
is_special(PyObject *value, PyObject *special)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(special); i++) {
        if (PyType_IsSubtype(Py_TYPE(value), (PyTypeObject *)PyTuple_GET_ITEM(special, i))) {
            return 1;
        }
    }
    return 0;
}

/* The memory of a ctypes object: the pointer behind its head. fastcall.py tries it on one before it is relied on. */
static uint64_t
ctypes_memory(PyObject *value)
{
    return (uintptr_t)*(char **)((char *)value + sizeof(PyObject));
}

/* A struct of its bytes: ``make`` is its class, which then gets them as they are, or what is called with them. */
static Py_NO_INLINE PyObject *
struct_made(PyObject *make, const char *content, Py_ssize_t size)
{
    if (!PyType_Check(make)) {
        return PyObject_CallFunction(make, "y#", content, size);
    }
    PyObject *none = PyTuple_New(0);
    PyObject *made = none == NULL ? NULL : ((PyTypeObject *)make)->tp_new((PyTypeObject *)make, none, NULL);
    Py_XDECREF(none);
    if (made != NULL) {
        memcpy((void *)(uintptr_t)ctypes_memory(made), content, (size_t)size);
    }
    return made;
}

/* The address of what lends its memory, when its items are of the right kind and there is one. */
static int
lent_memory(char kind, const Accepted *accepted, PyObject *value, Lent *lent, uint64_t *out)
{
    const int readable = kind == 'C' || kind == 'N' || kind == 'E' || accepted->other != NULL;
    Py_buffer *view = &lent->views[lent->held];
    int flags = readable ? PyBUF_SIMPLE : PyBUF_WRITABLE;
    if (kind == 'T') {
        flags |= PyBUF_ND | PyBUF_FORMAT;
    }
    if (PyObject_GetBuffer(value, view, flags) < 0) {
        PyErr_Clear();
        return 0;
    }
    lent->held++;
    *out = (uintptr_t)view->buf;
    if (view->len < accepted->least) {
        return 0;
    }
    if (kind != 'T') {
        return kind == 'V' || kind == 'N' || view->itemsize == 1;
    }
    const char *format = view->format == NULL ? "B" : view->format;
    format += *format == '@' || *format == '=' || *format == (PY_LITTLE_ENDIAN ? '<' : '>');
    return format[0] != 0 && format[1] == 0 && strchr(accepted->letters, format[0]) != NULL &&
           view->itemsize == accepted->size && view->len > 0;
}

/* What the rules in Python give for anything else; when they refuse it, ctypes says so in its own words. */
static int
converted(const Accepted *accepted, PyObject *value, Lent *lent, uint64_t *out)
{
    unsigned long long address;
    PyObject *pair = accepted->convert == NULL ? NULL : PyObject_CallOneArg(accepted->convert, value);
    if (pair != NULL) {
        lent->kept[lent->keeping++] = pair;
        if (PyArg_ParseTuple(pair, "KO", &address, &value)) {
            *out = address;
            return 1;
        }
    }
    if (PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear(); /* what is more is not for us */
    }
    return 0;
}

/* An address for C: nothing, a pointer of the right type, a struct, text, or the memory of whatever lends it. */
static Py_NO_INLINE int
pointer(const Function *self, int i, PyObject *value, Lent *lent, uint64_t *out)
{
    const char kind = self->kinds[i];
    const Accepted *accepted = &self->accepted[i];
    PyObject *type = (PyObject *)Py_TYPE(value);
    if (value == Py_None) {
        *out = 0;
        return !accepted->never_null;
    }
    if (type == accepted->same || type == accepted->other) {
        *out = ((Address *)value)->address;
        return ((Life *)((Address *)value)->life)->open;
    }
    if (type == accepted->record) {
        *out = ctypes_memory(value);
        return 1;
    }
#if LOADSTONE_CALLBACKS
    if (accepted->signature != NULL && PyType_IsSubtype(Py_TYPE(value), self->callback) &&
        ((Callback *)value)->kind == accepted->signature) {
        *out = (uintptr_t)(loadstone_stubs + STUB_SIZE * ((Callback *)value)->number);
        return 1;
    }
#endif
    if (PyBytes_CheckExact(value)) {
        if ((kind == 'C' || kind == 'N' || kind == 'E') && PyBytes_GET_SIZE(value) >= accepted->least) {
            *out = (uintptr_t)PyBytes_AS_STRING(value);
            return 1;
        }
    } else if (PyUnicode_CheckExact(value)) {
        if (kind == 'E') {
            Py_ssize_t size;
            const char *text = PyUnicode_AsUTF8AndSize(value, &size);
            if (text != NULL && strlen(text) == (size_t)size && size >= accepted->least) {
                *out = (uintptr_t)text;
                return 1;
            }
            PyErr_Clear();
        }
    } else if (PyLong_Check(value)) {
        return (kind == 'V' || kind == 'N') && unsigned_number(value, out);
    } else if ((kind != 'T' || accepted->letters != NULL) && PyObject_CheckBuffer(value) &&
               !is_special(value, self->special) && lent_memory(kind, accepted, value, lent, out)) {
        return 1;
    }
    return converted(accepted, value, lent, out);
}

static Py_NO_INLINE void
record_given(Registers *registers, const Accepted *record, PyObject *value)
{
    Places places = places_of(registers->integers + record->integers, registers->floats + record->reals,
                              registers->stack + record->stacked);
    places.last_integer = registers->integers + INTEGERS;
    places.last_real = registers->floats + FLOATS;
    struct_given(&places, record->words, (size_t)record->size, (const void *)(uintptr_t)ctypes_memory(value));
}

/* Fill the words of the call; 0 as soon as an argument is not one of the plain kind. What is not filled stays as it
 * is: C does not read it. */
static int
place(const Function *self, PyObject *const *args, Registers *registers, Lent *lent)
{
    for (int i = 0; i < self->count; i++) {
        Word *word = word_at(registers, self->slots[i]);
        int good;
        switch (self->kinds[i]) {
        case 'T':
        case 'C':
        case 'P':
        case 'V':
        case 'N':
        case 'E': good = pointer(self, i, args[i], lent, &word->integer); break;
        case 'R':
            good = (PyObject *)Py_TYPE(args[i]) == self->accepted[i].record;
            if (good) {
                record_given(registers, &self->accepted[i], args[i]);
            }
            break;
        default: good = scalar(self->kinds[i], args[i], word);
        }
        if (!good) {
            return 0;
        }
    }
    return 1;
}

/* The same where all are numbers. */
static Py_ALWAYS_INLINE inline int
place_numbers(const Function *self, PyObject *const *args, Registers *registers)
{
    for (int i = 0; i < self->count; i++) {
        if (!scalar(self->kinds[i], args[i], word_at(registers, self->slots[i]))) {
            return 0;
        }
    }
    return 1;
}

static void
let_go(Lent *lent)
{
    while (lent->held > 0) {
        PyBuffer_Release(&lent->views[--lent->held]);
    }
    while (lent->keeping > 0) {
        Py_DECREF(lent->kept[--lent->keeping]);
    }
}

static int
told_errno(Function *self, int number)
{
    PyObject *value = PyLong_FromLong(number);
    PyObject *done = value == NULL ? NULL : PyObject_CallOneArg(self->keep_errno, value);
    Py_XDECREF(value);
    Py_XDECREF(done);
    return done != NULL;
}

/* Call for a struct, and make it of what came back; ``memory`` is as large. */
static Py_NO_INLINE void
call_into(const Function *self, const Registers *registers, char *memory)
{
    if (in_memory(self->result_words)) {
        (void)call_with(self->address, registers, self->shape, 'v'); /* C has its address */
        return;
    }
    Result result = call_for_struct(self->address, registers, self->shape, self->result_words);
    Places places = places_of_result(&result);
    struct_taken(&places, self->result_words, (size_t)self->result_size, memory);
}

/* What is not of the plain kind is for ctypes, unless it failed already. */
static Py_NO_INLINE PyObject *
handed_on(const Function *self, PyObject *const *args, size_t given, PyObject *names)
{
    return PyErr_Occurred() ? NULL : PyObject_Vectorcall(self->slow, args, given, names);
}

/* A call with numbers alone: nothing is lent, kept or made for it, which is most of what function_call() does. */
static PyObject *
number_call(PyObject *object, PyObject *const *args, size_t flagged, PyObject *names)
{
    Function *self = (Function *)object;
    Registers registers;
    if (!life_enter(self->life) || names != NULL || PyVectorcall_NARGS(flagged) != self->count ||
        !place_numbers(self, args, &registers)) {
        life_leave(self->life);
        return handed_on(self, args, (size_t)PyVectorcall_NARGS(flagged), names);
    }
    PyThreadState *saved = self->keep_gil ? NULL : PyEval_SaveThread();
    Word word = call_with(self->address, &registers, self->shape, self->result);
    if (saved != NULL) {
        PyEval_RestoreThread(saved);
    }
    life_leave(self->life);
    return as_object(self->result, word, self->result_class, (PyObject *)self->life);
}

/* A call of any function. */
static PyObject *
function_call(PyObject *object, PyObject *const *args, size_t flagged, PyObject *names)
{
    Function *self = (Function *)object;
    Py_ssize_t given = PyVectorcall_NARGS(flagged);
    Registers registers;
    Lent lent;
    lent.held = lent.keeping = 0;
    PyObject *memory = NULL; /* of a struct that comes back */
    if (self->result_words != NULL) {
        memory = PyBytes_FromStringAndSize(NULL, self->result_size);
        if (memory == NULL) {
            return NULL;
        }
        if (in_memory(self->result_words)) {
            registers.integers[0].integer = (uintptr_t)PyBytes_AS_STRING(memory);
        }
    }
    int may = life_enter(self->life);
    if (!may || names != NULL || given != self->count || !place(self, args, &registers, &lent)) {
        life_leave(self->life);
        let_go(&lent);
        Py_XDECREF(memory);
        return handed_on(self, args, (size_t)given, names);
    }
    PyThreadState *saved = self->keep_gil ? NULL : PyEval_SaveThread();
    if (self->keep_errno != NULL) {
        errno = 0;
    }
    Word word = {0};
    if (memory != NULL) {
        call_into(self, &registers, PyBytes_AS_STRING(memory));
    } else {
        word = call_with(self->address, &registers, self->shape, self->result);
    }
    int number = self->keep_errno != NULL ? errno : 0;
    if (saved != NULL) {
        PyEval_RestoreThread(saved);
    }
    life_leave(self->life);
    /* The text may lie in a buffer that was passed: read it before the buffer is let go. */
    PyObject *result = memory != NULL ? struct_made(self->result_class, PyBytes_AS_STRING(memory), self->result_size)
                                      : as_object(self->result, word, self->result_class, (PyObject *)self->life);
    Py_XDECREF(memory);
    let_go(&lent);
    if (self->keep_errno != NULL && result != NULL && !told_errno(self, number)) {
        Py_CLEAR(result);
    }
    return result;
}

static PyObject *
or_null(PyObject *object)
{
    return object == Py_None ? NULL : object;
}

/* ``classes`` has an entry for every parameter: (same, other, record, signature, letters, size, least, never_null,
 * convert) of a pointer, (words, size, class) of a struct, None of anything else. The last one is of the result: a
 * class of pointers, or (words, size, make). */
static int
accept(Function *self, PyObject *classes)
{
    if (PyTuple_GET_SIZE(classes) != self->count + 1) {
        PyErr_SetString(PyExc_ValueError, "one entry for every parameter and one for the result");
        return 0;
    }
    self->classes = Py_NewRef(classes);
    for (int i = 0; i < self->count; i++) {
        PyObject *entry = PyTuple_GET_ITEM(classes, i);
        Accepted *to = &self->accepted[i];
        if (self->kinds[i] == 'R') {
            if (!PyArg_ParseTuple(entry, "snO", &to->words, &to->size, &to->record)) {
                return 0;
            }
        } else if (entry != Py_None) {
            if (!PyArg_ParseTuple(entry, "OOOOznnpO", &to->same, &to->other, &to->record, &to->signature, &to->letters,
                                  &to->size, &to->least, &to->never_null, &to->convert)) {
                return 0;
            }
            to->same = or_null(to->same);
            to->other = or_null(to->other);
            to->record = or_null(to->record);
            to->signature = or_null(to->signature);
        }
    }
    self->result_class = PyTuple_GET_ITEM(classes, self->count);
    return self->result != 'R' || PyArg_ParseTuple(self->result_class, "snO", &self->result_words, &self->result_size,
                                                   &self->result_class);
}

/* Find every argument its place, once for all calls; 0 when there are too few. Which are in use is the shape. */
static int
find_places(Function *self)
{
    Registers registers;
    Places places = places_of(registers.integers, registers.floats, registers.stack);
    if (self->result_words != NULL && in_memory(self->result_words)) {
        if (!PLACE_IS_ARGUMENT) {
            return 0;
        }
        next_integer(&places);
    }
    for (int i = 0; i < self->count; i++) {
        Accepted *accepted = &self->accepted[i];
        const char kind = self->kinds[i];
        if (kind == 'R') {
            Word *each[4];
            accepted->integers = (int)(places.integer - registers.integers);
            accepted->reals = (int)(places.real - registers.floats);
            accepted->stacked = (int)(places.stack - registers.stack);
            struct_places(&places, accepted->words, (size_t)accepted->size, each);
        } else {
            const Word *word = kind == 'd' || kind == 'f' ? next_real(&places) : next_integer(&places);
            self->slots[i] = (unsigned char)slot_of(&registers, word);
        }
        if (places.stack - registers.stack > STACK) {
            return 0;
        }
    }
    self->shape = places.stack != registers.stack   ? ALL
                  : places.real != registers.floats ? IN_REGISTERS
                                                    : ONLY_INTEGERS;
    return 1;
}

/* Whether a call does no more than take numbers and give one back. */
static int
only_numbers(const Function *self)
{
    return strpbrk(self->kinds, "TCPVNER") == NULL && self->result != 'R' && self->keep_errno == NULL;
}

static PyObject *
function_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *words[] = {"address", "slow",   "owner", "life",     "special",    "name",    "doc",
                            "result",  "kinds", "classes", "keep_gil", "keep_errno", NULL};
    unsigned long long address;
    PyObject *slow, *owner, *life, *special, *name, *doc, *classes, *keep_errno;
    const char *kinds;
    Py_ssize_t count;
    int result, keep_gil;
    State *state = state_of(type);
    if (state == NULL ||
        !PyArg_ParseTupleAndKeywords(args, kwargs, "KOOO!O!UUCs#O!pO", words, &address, &slow, &owner, state->life, &life,
                                     &PyTuple_Type, &special, &name, &doc, &result, &kinds, &count, &PyTuple_Type,
                                     &classes, &keep_gil, &keep_errno)) {
        return NULL;
    }
    if (address == 0 || count > PARAMETERS) {
        PyErr_SetString(PyExc_BufferError, "a null address, or more arguments than can be placed");
        return NULL;
    }
    Function *self = (Function *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->address = (uintptr_t)address;
    self->slow = Py_NewRef(slow);
    self->owner = Py_NewRef(owner);
    self->life = (Life *)Py_NewRef(life);
    self->special = Py_NewRef(special);
    self->name = Py_NewRef(name);
    self->doc = Py_NewRef(doc);
    self->keep_errno = keep_errno == Py_None ? NULL : Py_NewRef(keep_errno);
    self->callback = state->callback;
    self->count = (int)count;
    self->keep_gil = (char)keep_gil;
    self->result = (char)result;
    memcpy(self->kinds, kinds, (size_t)count);
    if (!accept(self, classes)) {
        Py_CLEAR(self);
    } else if (!find_places(self)) {
        PyErr_SetString(PyExc_BufferError, "more arguments than can be placed");
        Py_CLEAR(self);
    } else {
        self->vectorcall = only_numbers(self) ? number_call : function_call;
    }
    return (PyObject *)self;
}

static int
function_traverse(PyObject *object, visitproc visit, void *arg)
{
    Function *self = (Function *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->slow);
    Py_VISIT(self->owner);
    Py_VISIT(self->special);
    Py_VISIT(self->classes);
    return 0;
}

/* There is no tp_clear, as a tuple has none: a function never changes, so no cycle is made of functions alone, and one
 * that a finalizer calls still has its library. */
static void
function_dealloc(PyObject *object)
{
    Function *self = (Function *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (self->weak != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    Py_XDECREF(self->slow);
    Py_XDECREF(self->owner);
    Py_XDECREF(self->life);
    Py_XDECREF(self->special);
    Py_XDECREF(self->name);
    Py_XDECREF(self->doc);
    Py_XDECREF(self->keep_errno);
    Py_XDECREF(self->classes);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *
function_repr(PyObject *object)
{
    return PyUnicode_FromFormat("<C function %U>", ((Function *)object)->doc);
}

static PyObject *
function_reduce(PyObject *object, PyObject *ignored)
{
    return PyErr_Format(PyExc_TypeError, "%R cannot be copied or pickled: it is an address in this process", object);
}

/* The function where C wants a pointer to one. Not _as_parameter_: ctypes.cast() would drop what that returns and keep
 * a bare address, which lets the library be unloaded under it. It is a new ctypes
 * function, which keeps this one and so the library alive. */
static PyObject *
function_as_pointer(PyObject *object, void *ignored)
{
    Function *self = (Function *)object;
    PyObject *made = PyObject_CallFunction((PyObject *)Py_TYPE(self->slow), "K", (unsigned long long)self->address);
    if (made != NULL && PyObject_SetAttrString(made, "owner", object) < 0) {
        Py_CLEAR(made);
    }
    return made;
}

static PyObject *
function_code(PyObject *object, void *ignored)
{
    return PyLong_FromUnsignedLongLong(((Function *)object)->address);
}

/* What the ctypes function tells. */
static PyObject *
function_told(PyObject *object, void *name)
{
    return PyObject_GetAttrString(((Function *)object)->slow, (const char *)name);
}

static PyMemberDef function_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Function, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Function, weak), READONLY, NULL},
    {"__name__", T_OBJECT_EX, offsetof(Function, name), READONLY, NULL},
    {"__doc__", T_OBJECT_EX, offsetof(Function, doc), READONLY, NULL},
    {"owner", T_OBJECT_EX, offsetof(Function, owner), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef function_getset[] = {
    {"pointer", function_as_pointer, NULL, NULL, NULL},
    {"code", function_code, NULL, NULL, NULL},
    {"signature", function_told, NULL, NULL, "signature"},
    {"__signature__", function_told, NULL, NULL, "__signature__"},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef function_methods[] = {
    {"__reduce__", function_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot function_slots[] = {
    {Py_tp_new, function_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_traverse, function_traverse},
    {Py_tp_dealloc, function_dealloc},
    {Py_tp_repr, function_repr},
    {Py_tp_members, function_members},
    {Py_tp_getset, function_getset},
    {Py_tp_methods, function_methods},
    {0, NULL},
};

static PyType_Spec function_spec = {
    .name = "loadstone.library.typed._fastcall.Function",
    .basicsize = sizeof(Function),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = function_slots,
};

/* -- Callback: C calls Python ---------------------------------------------------------------------------------------- */

#if LOADSTONE_CALLBACKS
/* What a stub leads to. It is apart from the Callback, so that a call that comes while that goes away still has it. */
typedef struct {
    PyObject_HEAD
    PyObject *function;
    PyObject *on_error; /* called with the exception, or NULL: then it is reported */
    PyObject *convert;  /* makes an int or bytes of results that are no plain number, or NULL */
    PyObject *classes;
    PyObject *life;
    Word fallback; /* what C gets when nothing came of it; of a struct its bytes */
    PyObject *fallback_struct;
    int count;
    char result;
    char result_words[5]; /* of a struct: see _structs.h */
    char kinds[PARAMETERS + 1];
} Target;

static PyObject *targets[CALLBACKS]; /* strong references; changed and read with the lock below, or the interpreter's */
static int next_number;

#if defined(Py_GIL_DISABLED)
static PyMutex targets_lock;
#  define LOCK_TARGETS() PyMutex_Lock(&targets_lock)
#  define UNLOCK_TARGETS() PyMutex_Unlock(&targets_lock)
#else
#  define LOCK_TARGETS() ((void)0)
#  define UNLOCK_TARGETS() ((void)0)
#endif

static int
result_of_struct(Target *target, PyObject *value, Frame *frame)
{
    char *content;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(value, &content, &size) < 0) {
        return 0;
    }
    if (in_memory(target->result_words)) {
        memcpy((void *)(uintptr_t)struct_place(frame).integer, content, (size_t)size);
        return 1;
    }
    Places places = places_of_result(&frame->result);
    struct_given(&places, target->result_words, (size_t)size, content);
    return 1;
}

/* Give C the result; 0 with an error set when it is none. */
static int
give_back(Target *target, PyObject *value, Frame *frame)
{
    Word word = {0};
    PyObject *made = NULL;
    int good = 1;
    if (target->result == 'v') {
        return 1;
    }
    if (!scalar(target->result, value, &word)) {
        made = PyObject_CallOneArg(target->convert, value);
        if (made == NULL) {
            return 0;
        }
        if (target->result == 'R') {
            good = result_of_struct(target, made, frame);
            Py_DECREF(made);
            return good;
        }
        if (PyFloat_CheckExact(made)) {
            good = floating(made, target->result == 'f', &word);
        } else {
            word.integer = PyLong_AsUnsignedLongLongMask(made);
            good = !PyErr_Occurred();
        }
        Py_DECREF(made);
    }
    if (target->result == 'f' || target->result == 'd') {
        frame->result.floats[0] = word;
    } else {
        frame->result.integers[0] = word;
    }
    return good;
}

/* An exception cannot cross C: the author's on_error decides what C gets, or it is reported as Python does it. */
static void
failed(Target *target, Frame *frame)
{
    memset(&frame->result, 0, sizeof frame->result);
    if (target->result == 'R') {
        if (in_memory(target->result_words)) {
            frame->result.integers[0] = struct_place(frame);
        }
        (void)result_of_struct(target, target->fallback_struct, frame);
    } else if (target->result == 'f' || target->result == 'd') {
        frame->result.floats[0] = target->fallback;
    } else {
        frame->result.integers[0] = target->fallback;
    }
    if (target->on_error != NULL) {
        PyObject *type, *error, *traceback;
        PyErr_Fetch(&type, &error, &traceback);
        PyErr_NormalizeException(&type, &error, &traceback);
        if (traceback != NULL) {
            PyException_SetTraceback(error, traceback);
        }
        PyObject *value = PyObject_CallOneArg(target->on_error, error);
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(traceback);
        if (value != NULL && (value == Py_None || give_back(target, value, frame))) {
            Py_DECREF(value);
            return;
        }
        Py_XDECREF(value);
    }
    PyErr_WriteUnraisable(target->function);
}

/* A struct by value. ``how`` is (words, size in bytes, what makes an object of it): see struct_made(). */
static PyObject *
struct_argument(PyObject *how, Places *given)
{
    const char *words;
    Py_ssize_t size;
    PyObject *make;
    if (!PyArg_ParseTuple(how, "snO", &words, &size, &make)) {
        return NULL;
    }
    PyObject *content = PyBytes_FromStringAndSize(NULL, size);
    if (content == NULL) {
        return NULL;
    }
    struct_taken(given, words, (size_t)size, PyBytes_AS_STRING(content));
    PyObject *made = struct_made(make, PyBytes_AS_STRING(content), size);
    Py_DECREF(content);
    return made;
}

static void
call_target(Target *target, Frame *frame, Word *stack)
{
    PyObject *args[PARAMETERS + 2];
    Places given = places_of(frame->integers, frame->floats, stack);
    int made = 0;
    if (target->result == 'R' && in_memory(target->result_words)) {
        frame->result.integers[0] = struct_place(frame); /* C gave the place, and wants its address back */
        given.integer += PLACE_IS_ARGUMENT;
    }
    for (; made < target->count; made++) {
        const char kind = target->kinds[made];
        PyObject *class = PyTuple_GET_ITEM(target->classes, made);
        if (kind == 'R') {
            args[made + 1] = struct_argument(class, &given);
        } else {
            const Word *word = kind == 'd' || kind == 'f' ? next_real(&given) : next_integer(&given);
            args[made + 1] = as_object(kind, *word, class, target->life);
        }
        if (args[made + 1] == NULL) {
            break;
        }
    }
    PyObject *value = NULL;
    if (made == target->count) {
        value = PyObject_Vectorcall(target->function, args + 1, (size_t)made | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    }
    while (made > 0) {
        Py_DECREF(args[made--]);
    }
    if (value == NULL || !give_back(target, value, frame)) {
        failed(target, frame);
    }
    Py_XDECREF(value);
}

void
loadstone_enter_callback(int number, Frame *frame, Word *stack)
{
    int before = errno;
    memset(&frame->result, 0, sizeof frame->result);
    if (!Py_IsInitialized()) {
        return;
    }
    PyGILState_STATE state = PyGILState_Ensure();
    LOCK_TARGETS();
    PyObject *target = Py_XNewRef(targets[number]);
    UNLOCK_TARGETS();
    if (target == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "C called a callback that Python no longer keeps; it got a zero");
        PyErr_WriteUnraisable(NULL);
    } else {
        call_target((Target *)target, frame, stack);
        Py_DECREF(target);
    }
    PyGILState_Release(state);
    errno = before;
}

static void
target_dealloc(PyObject *object)
{
    Target *self = (Target *)object;
    PyTypeObject *type = Py_TYPE(object);
    Py_XDECREF(self->function);
    Py_XDECREF(self->on_error);
    Py_XDECREF(self->fallback_struct);
    Py_XDECREF(self->convert);
    Py_XDECREF(self->classes);
    Py_XDECREF(self->life);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyType_Slot target_slots[] = {{Py_tp_dealloc, target_dealloc}, {0, NULL}};
static PyType_Spec target_spec = {
    .name = "loadstone.library.typed._fastcall.Target",
    .basicsize = sizeof(Target),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = target_slots,
};

static PyTypeObject *target_type(PyTypeObject *type);

/* A number for a stub; each is used again as late as can be, so that a stale pointer seldom meets another function. */
static int
take_number(PyObject *target)
{
    int found = -1;
    LOCK_TARGETS();
    for (int tried = 0; tried < CALLBACKS && found < 0; tried++) {
        int number = next_number;
        next_number = (next_number + 1) % CALLBACKS;
        if (targets[number] == NULL) {
            targets[number] = target;
            found = number;
        }
    }
    UNLOCK_TARGETS();
    return found;
}

static PyObject *
callback_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *words[] = {"function", "kind",    "doc",   "result",   "result_words", "kinds",
                            "classes",  "convert", "life", "on_error", "fallback",     NULL};
    PyObject *function, *kind, *doc, *classes, *convert, *life, *on_error, *fallback;
    const char *kinds, *result_words;
    Py_ssize_t count;
    int result;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOUCss#O!OOOO", words, &function, &kind, &doc, &result,
                                     &result_words, &kinds, &count, &PyTuple_Type, &classes, &convert, &life, &on_error,
                                     &fallback)) {
        return NULL;
    }
    if (count > PARAMETERS || strlen(result_words) > 4 || PyTuple_GET_SIZE(classes) != count) {
        PyErr_SetString(PyExc_BufferError, "more arguments than can be taken, or not as many classes");
        return NULL;
    }
    PyTypeObject *inner = target_type(type);
    Target *target = inner == NULL ? NULL : (Target *)inner->tp_alloc(inner, 0);
    if (target == NULL) {
        return NULL;
    }
    target->function = Py_NewRef(function);
    target->on_error = on_error == Py_None ? NULL : Py_NewRef(on_error);
    target->convert = Py_NewRef(convert);
    target->classes = Py_NewRef(classes);
    target->life = Py_NewRef(life);
    target->count = (int)count;
    target->result = (char)result;
    strcpy(target->result_words, result_words);
    memcpy(target->kinds, kinds, (size_t)count);
    if (result == 'R') {
        if (!PyBytes_Check(fallback)) {
            Py_DECREF(target);
            PyErr_SetString(PyExc_TypeError, "of a struct the fallback is its bytes");
            return NULL;
        }
        target->fallback_struct = Py_NewRef(fallback);
    } else if (fallback != Py_None) {
        Frame frame = {0};
        if (!give_back(target, fallback, &frame)) {
            Py_DECREF(target);
            return NULL;
        }
        target->fallback = result == 'f' || result == 'd' ? frame.result.floats[0] : frame.result.integers[0];
    }
    int number = take_number((PyObject *)target);
    if (number < 0) {
        Py_DECREF(target);
        PyErr_SetString(PyExc_BufferError, "every stub is in use");
        return NULL;
    }
    Callback *self = (Callback *)type->tp_alloc(type, 0);
    if (self == NULL) {
        targets[number] = NULL;
        Py_DECREF(target);
        return NULL;
    }
    self->number = number;
    self->kind = Py_NewRef(kind);
    self->doc = Py_NewRef(doc);
    self->function = Py_NewRef(function);
    return (PyObject *)self;
}

static int
callback_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((Callback *)object)->function);
    return 0;
}

static void
callback_dealloc(PyObject *object)
{
    Callback *self = (Callback *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (self->weak != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    LOCK_TARGETS();
    PyObject *target = targets[self->number];
    targets[self->number] = NULL;
    UNLOCK_TARGETS();
    Py_XDECREF(target);
    Py_XDECREF(self->kind);
    Py_XDECREF(self->doc);
    Py_XDECREF(self->function);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *
callback_code(PyObject *object, void *ignored)
{
    return PyLong_FromVoidPtr((void *)(loadstone_stubs + STUB_SIZE * ((Callback *)object)->number));
}

static PyObject *
callback_repr(PyObject *object)
{
    return PyUnicode_FromFormat("<C callback %U>", ((Callback *)object)->doc);
}

static PyMemberDef callback_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Callback, weak), READONLY, NULL},
    {"__doc__", T_OBJECT_EX, offsetof(Callback, doc), READONLY, NULL},
    {"kind", T_OBJECT_EX, offsetof(Callback, kind), READONLY, NULL},
    {"function", T_OBJECT_EX, offsetof(Callback, function), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyGetSetDef callback_getset[] = {
    {"code", callback_code, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot callback_slots[] = {
    {Py_tp_new, callback_new},         {Py_tp_traverse, callback_traverse}, {Py_tp_dealloc, callback_dealloc},
    {Py_tp_repr, callback_repr},       {Py_tp_members, callback_members},   {Py_tp_getset, callback_getset},
    {Py_tp_methods, function_methods}, {0, NULL},
};
static PyType_Spec callback_spec = {
    .name = "loadstone.library.typed._fastcall.Callback",
    .basicsize = sizeof(Callback),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = callback_slots,
};
#endif
#endif

/* -- the module ------------------------------------------------------------------------------------------------------ */

#if LOADSTONE_CALLS
typedef struct {
    State types;
    PyTypeObject *target;
} Module;

static struct PyModuleDef module_definition;

static Module *
module_of(PyTypeObject *type)
{
    for (; type != NULL; type = type->tp_base) { /* Callback may be subclassed in Python */
        PyObject *module = type->tp_flags & Py_TPFLAGS_HEAPTYPE ? PyType_GetModule(type) : NULL;
        if (module != NULL && PyModule_GetDef(module) == &module_definition) {
            return (Module *)PyModule_GetState(module);
        }
        PyErr_Clear();
    }
    PyErr_SetString(PyExc_TypeError, "not a type of this module");
    return NULL;
}

static State *
state_of(PyTypeObject *type)
{
    Module *module = module_of(type);
    return module == NULL ? NULL : &module->types;
}

#if LOADSTONE_CALLBACKS
static PyTypeObject *
target_type(PyTypeObject *type)
{
    Module *module = module_of(type);
    return module == NULL ? NULL : module->target;
}
#endif

static PyTypeObject *
add_type(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (type != NULL && PyModule_AddType(module, (PyTypeObject *)type) < 0) {
        Py_CLEAR(type);
    }
    return (PyTypeObject *)type;
}

static PyObject *
memory_of(PyObject *module, PyObject *value)
{
    return PyLong_FromUnsignedLongLong(ctypes_memory(value));
}

static PyMethodDef module_methods[] = {
    {"memory_of", memory_of, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    Module *state = (Module *)PyModule_GetState(module);
    Py_VISIT(state->types.life);
    Py_VISIT(state->types.address);
    Py_VISIT(state->types.callback);
    Py_VISIT(state->target);
    return 0;
}

static int
module_clear(PyObject *module)
{
    Module *state = (Module *)PyModule_GetState(module);
    Py_CLEAR(state->types.life);
    Py_CLEAR(state->types.address);
    Py_CLEAR(state->types.callback);
    Py_CLEAR(state->target);
    return 0;
}
#endif

static int
module_exec(PyObject *module)
{
#if LOADSTONE_CALLS
    Module *state = (Module *)PyModule_GetState(module);
    if (PyModule_AddIntConstant(module, "AGREEMENT", AGREEMENT) < 0) {
        return -1;
    }
    state->types.life = add_type(module, &life_spec);
    state->types.address = add_type(module, &address_spec);
    PyTypeObject *function = add_type(module, &function_spec);
    if (state->types.life == NULL || state->types.address == NULL || function == NULL) {
        Py_XDECREF(function);
        return -1;
    }
    Py_DECREF(function);
#  if LOADSTONE_CALLBACKS
    state->target = (PyTypeObject *)PyType_FromModuleAndSpec(module, &target_spec, NULL);
    PyTypeObject *callback = add_type(module, &callback_spec);
    if (state->target == NULL || callback == NULL) {
        Py_XDECREF(callback);
        return -1;
    }
    state->types.callback = callback;
#  endif
    return 0;
#else
    PyErr_SetString(PyExc_ImportError, "fast calls are made for System V x86-64 and AArch64 only");
    return -1;
#endif
}

/* Functions never change and counts are atomic, so a free-threaded interpreter needs no lock for them. Stubs are the
 * process's, and lead to the interpreter that made the callback: loading in another is refused. */
static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};
static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_fastcall",
#if LOADSTONE_CALLS
    .m_size = sizeof(Module),
    .m_methods = module_methods,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
#endif
    .m_slots = module_slots};

PyMODINIT_FUNC
PyInit__fastcall(void)
{
    return PyModuleDef_Init(&module_definition);
}
