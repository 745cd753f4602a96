/* Calls of C functions at the speed of built-in ones, for the conventions that make it simple.
 *
 * The registers and the stack words of a call are filled in place, without libffi: see _registers.h.
 *
 * Every callable keeps the ctypes function it stands for. Whatever is not the plainest kind of argument (a wrong count,
 * a wrong type, a number out of range, a ctypes number or pointer) is handed to that one with all arguments, before
 * anything was called: so there is one place for the rules and for the words of errors.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>

#include "_registers.h"

#define PARAMETERS (INTEGERS + FLOATS + STACK)

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    uintptr_t address;
    PyObject *slow;  /* the ctypes function for everything else */
    PyObject *owner; /* keeps the library loaded */
    PyObject *special; /* ctypes types that are pointers or numbers, not memory */
    PyObject *name;
    PyObject *doc;
    PyObject *weak;
    int count;
    char on_stack; /* whether some arguments find no register */
    char keep_gil;
    char result;
    char kinds[PARAMETERS + 1];
} Function;

/* The registers of one call, and the buffers that must stay where they are until it is over. */
typedef struct {
    Registers registers;
    Py_buffer views[PARAMETERS + 1];
    int held;
} Call;

/* The value as an integer of at most 32 bits, or of 64 with a sign; 0 when it is none or does not fit. */
static int
signed_number(PyObject *value, int64_t low, int64_t high, uint64_t *out)
{
    int overflow = 0;
    if (!PyLong_CheckExact(value)) {
        return 0;
    }
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow || number < low || number > high) {
        return 0;
    }
    *out = (uint64_t)number;
    return 1;
}

static int
unsigned_number(PyObject *value, uint64_t *out)
{
    if (!PyLong_CheckExact(value)) {
        return 0;
    }
    unsigned long long number = PyLong_AsUnsignedLongLong(value);
    if (number == (unsigned long long)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    *out = number;
    return 1;
}

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

/* An address for C: nothing, a text, a number, or the memory of whatever lends it: structs, arrays, bytearrays. */
static int
pointer(const Function *self, PyObject *value, int readable, Call *call, uint64_t *out)
{
    if (value == Py_None) {
        *out = 0;
        return 1;
    }
    if (readable && PyBytes_CheckExact(value)) {
        *out = (uintptr_t)PyBytes_AS_STRING(value);
        return 1;
    }
    if (!PyObject_CheckBuffer(value)) {
        return unsigned_number(value, out);
    }
    if (is_special(value, self->special)) {
        return 0;
    }
    Py_buffer *view = &call->views[call->held];
    if (PyObject_GetBuffer(value, view, readable ? PyBUF_SIMPLE : PyBUF_WRITABLE) < 0) {
        PyErr_Clear();
        return 0;
    }
    call->held++;
    *out = (uintptr_t)view->buf;
    return 1;
}

static int
floating(PyObject *value, int single, Word *out)
{
    if (!PyFloat_CheckExact(value)) {
        return 0;
    }
    if (single) {
        out->integer = 0;
        out->single = (float)PyFloat_AS_DOUBLE(value);
    } else {
        out->real = PyFloat_AS_DOUBLE(value);
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

/* The next place of a class: a register, or a stack word when there is none left. function_new counted: there is room.
 */
#define NEXT(registers, end) ((registers) < (end) ? (registers)++ : stack++)
#define INTEGER (&NEXT(integer, last_integer)->integer)
#define REAL NEXT(real, last_real)

/* Fill the registers; 0 as soon as an argument is not one of the plain kind. */
static int
place(const Function *self, PyObject *const *args, Call *call)
{
    Registers *registers = &call->registers;
    Word *integer = registers->integers, *last_integer = integer + INTEGERS;
    Word *real = registers->floats, *last_real = real + FLOATS;
    Word *stack = registers->stack;
    for (int i = 0; i < self->count; i++) {
        PyObject *value = args[i];
        int good = 0;
        switch (self->kinds[i]) {
        case 'b': good = signed_number(value, INT8_MIN, INT8_MAX, INTEGER); break;
        case 'B': good = signed_number(value, 0, UINT8_MAX, INTEGER); break;
        case 'h': good = signed_number(value, INT16_MIN, INT16_MAX, INTEGER); break;
        case 'H': good = signed_number(value, 0, UINT16_MAX, INTEGER); break;
        case 'i': good = signed_number(value, INT32_MIN, INT32_MAX, INTEGER); break;
        case 'I': good = signed_number(value, 0, UINT32_MAX, INTEGER); break;
        case 'q': good = signed_number(value, INT64_MIN, INT64_MAX, INTEGER); break;
        case 'Q': good = unsigned_number(value, INTEGER); break;
        case '?': good = PyBool_Check(value); *INTEGER = value == Py_True; break;
        case 'c': good = character(value, INTEGER); break;
        case 'C': good = pointer(self, value, 1, call, INTEGER); break;
        case 'P': good = pointer(self, value, 0, call, INTEGER); break;
        case 'f': good = floating(value, 1, REAL); break;
        case 'd': good = floating(value, 0, REAL); break;
        }
        if (!good) {
            return 0;
        }
    }
    return 1;
}

static void
let_go(Call *call)
{
    while (call->held > 0) {
        PyBuffer_Release(&call->views[--call->held]);
    }
}

static PyObject *
as_object(char kind, Word word)
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
    case 'f': return PyFloat_FromDouble(word.single);
    case 'd': return PyFloat_FromDouble(word.real);
    case 's':
        if (integer != 0) {
            return PyBytes_FromString((const char *)(uintptr_t)integer);
        }
        Py_RETURN_NONE;
    case 'p':
        if (integer != 0) {
            return PyLong_FromUnsignedLongLong(integer);
        }
        Py_RETURN_NONE;
    default: Py_RETURN_NONE;
    }
}

#if LOADSTONE_CALLS
static PyObject *
function_call(PyObject *object, PyObject *const *args, size_t flagged, PyObject *names)
{
    Function *self = (Function *)object;
    Py_ssize_t given = PyVectorcall_NARGS(flagged);
    Call call;
    memset(call.registers.integers, 0, sizeof call.registers.integers);
    memset(call.registers.floats, 0, sizeof call.registers.floats);
    call.held = 0;
    if (self->on_stack) {
        memset(call.registers.stack, 0, sizeof call.registers.stack);
    }
    if (names != NULL || given != self->count || !place(self, args, &call)) {
        let_go(&call);
        return PyObject_Vectorcall(self->slow, args, (size_t)given, names);
    }
    PyThreadState *saved = self->keep_gil ? NULL : PyEval_SaveThread();
    Word word = call_with(self->address, &call.registers, self->on_stack, self->result);
    if (saved != NULL) {
        PyEval_RestoreThread(saved);
    }
    /* The text may lie in a buffer that was passed: read it before the buffer is let go. */
    PyObject *result = as_object(self->result, word);
    let_go(&call);
    return result;
}

static PyObject *
function_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *words[] = {"address", "slow", "owner", "special", "name", "doc", "result", "kinds", "keep_gil", NULL};
    unsigned long long address;
    PyObject *slow, *owner, *special, *name, *doc;
    const char *kinds;
    Py_ssize_t count;
    int result, keep_gil, integers = 0, floats = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "KOOO!UUCs#p", words, &address, &slow, &owner, &PyTuple_Type, &special,
                                     &name, &doc, &result, &kinds, &count, &keep_gil)) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (strchr("fd", kinds[i]) != NULL) {
            floats++;
        } else {
            integers++;
        }
    }
    int overflow = (integers > INTEGERS ? integers - INTEGERS : 0) + (floats > FLOATS ? floats - FLOATS : 0);
    if (address == 0 || overflow > STACK) {
        PyErr_SetString(PyExc_ValueError, "a null address, or more arguments than can be placed");
        return NULL;
    }
    Function *self = (Function *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = function_call;
    self->address = (uintptr_t)address;
    self->slow = Py_NewRef(slow);
    self->owner = Py_NewRef(owner);
    self->special = Py_NewRef(special);
    self->name = Py_NewRef(name);
    self->doc = Py_NewRef(doc);
    self->count = (int)count;
    self->on_stack = overflow > 0;
    self->keep_gil = (char)keep_gil;
    self->result = (char)result;
    memcpy(self->kinds, kinds, (size_t)count);
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
    Py_XDECREF(self->special);
    Py_XDECREF(self->name);
    Py_XDECREF(self->doc);
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

/* As the ctypes function tells it. */
static PyObject *
function_signature(PyObject *object, void *ignored)
{
    return PyObject_GetAttrString(((Function *)object)->slow, "__signature__");
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
    {"__signature__", function_signature, NULL, NULL, NULL},
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
#endif

static int
module_exec(PyObject *module)
{
#if LOADSTONE_CALLS
    PyObject *type = PyType_FromModuleAndSpec(module, &function_spec, NULL);
    if (type == NULL) {
        return -1;
    }
    int done = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    if (done < 0 || PyModule_AddIntConstant(module, "INTEGERS", INTEGERS) < 0 ||
        PyModule_AddIntConstant(module, "FLOATS", FLOATS) < 0) {
        return -1;
    }
    return PyModule_AddIntConstant(module, "STACK", STACK);
#else
    PyErr_SetString(PyExc_ImportError, "fast calls are made for System V x86-64 and AArch64 only");
    return -1;
#endif
}

/* Nothing is shared between interpreters. Free-threaded builds are not declared, so there the lock comes back on. */
static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, module_exec}, {0, NULL}};
static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_fastcall", .m_size = 0, .m_slots = module_slots};

PyMODINIT_FUNC
PyInit__fastcall(void)
{
    return PyModuleDef_Init(&module_definition);
}
