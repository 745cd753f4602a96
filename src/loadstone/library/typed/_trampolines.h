/* Code that C can call, one address for each callback, made when this file is compiled.
 *
 * Every stub says its number and goes on to the same place, which puts all argument registers into a Frame and calls
 * enter_callback(number, frame, stack). So no code is written at run time, and no page is writable and executable.
 * (System V ABI AMD64 3.2.3; AAPCS64 6.4 and 6.9.)
 */
#ifndef LOADSTONE_TRAMPOLINES_H
#define LOADSTONE_TRAMPOLINES_H

#include "_structs.h"

#if LOADSTONE_CALLS && defined(__ELF__)
#  define LOADSTONE_CALLBACKS 1
#  define CALLBACKS 1024
#  define STUB_SIZE 16

/* The arguments as they came, and what goes back. */
typedef struct {
    Word integers[INTEGERS];
    Word floats[FLOATS];
    Result result;
    Word place; /* AArch64: where C wants a struct that does not come back in registers */
} Frame;

/* Where C wants such a struct. */
static inline Word
struct_place(const Frame *frame)
{
    return PLACE_IS_ARGUMENT ? frame->integers[0] : frame->place;
}

extern const char loadstone_stubs[] __attribute__((visibility("hidden")));
__attribute__((visibility("hidden"), used)) void loadstone_enter_callback(int number, Frame *frame, Word *stack);

#  if defined(__x86_64__)
__asm__(".text\n"
        ".p2align 4\n"
        ".globl loadstone_stubs\n.hidden loadstone_stubs\n.type loadstone_stubs,@function\n"
        "loadstone_stubs:\n"
        ".set loadstone_number, 0\n"
        ".rept 1024\n"
        "  .p2align 4\n"
        "  endbr64\n"
        "  movl $loadstone_number, %r11d\n"
        "  jmp .Lloadstone_common\n"
        "  .set loadstone_number, loadstone_number + 1\n"
        ".endr\n"
        ".p2align 4\n"
        ".Lloadstone_common:\n"
        "  .cfi_startproc\n"
        "  pushq %rbp\n  .cfi_def_cfa_offset 16\n  .cfi_offset %rbp, -16\n"
        "  movq %rsp, %rbp\n  .cfi_def_cfa_register %rbp\n"
        "  subq $160, %rsp\n"
        "  movq %rdi, 0(%rsp)\n  movq %rsi, 8(%rsp)\n  movq %rdx, 16(%rsp)\n"
        "  movq %rcx, 24(%rsp)\n  movq %r8, 32(%rsp)\n  movq %r9, 40(%rsp)\n"
        "  movsd %xmm0, 48(%rsp)\n  movsd %xmm1, 56(%rsp)\n  movsd %xmm2, 64(%rsp)\n  movsd %xmm3, 72(%rsp)\n"
        "  movsd %xmm4, 80(%rsp)\n  movsd %xmm5, 88(%rsp)\n  movsd %xmm6, 96(%rsp)\n  movsd %xmm7, 104(%rsp)\n"
        "  movl %r11d, %edi\n  movq %rsp, %rsi\n  leaq 16(%rbp), %rdx\n"
        "  call loadstone_enter_callback\n"
        "  movq 112(%rsp), %rax\n  movq 120(%rsp), %rdx\n"
        "  movsd 128(%rsp), %xmm0\n  movsd 136(%rsp), %xmm1\n"
        "  leave\n  .cfi_def_cfa %rsp, 8\n"
        "  ret\n"
        "  .cfi_endproc\n"
        ".size loadstone_stubs, . - loadstone_stubs\n");
#  else
__asm__(".text\n"
        ".p2align 4\n"
        ".globl loadstone_stubs\n.hidden loadstone_stubs\n.type loadstone_stubs,%function\n"
        "loadstone_stubs:\n"
        ".set loadstone_number, 0\n"
        ".rept 1024\n"
        "  .p2align 4\n"
        "  hint #34\n" /* bti c */
        "  mov w17, #loadstone_number\n"
        "  b .Lloadstone_common\n"
        "  .set loadstone_number, loadstone_number + 1\n"
        ".endr\n"
        ".p2align 4\n"
        ".Lloadstone_common:\n"
        "  .cfi_startproc\n"
        "  stp x29, x30, [sp, #-16]!\n  .cfi_def_cfa_offset 16\n  .cfi_offset 29, -16\n  .cfi_offset 30, -8\n"
        "  mov x29, sp\n  .cfi_def_cfa_register 29\n"
        "  sub sp, sp, #192\n"
        "  stp x0, x1, [sp]\n  stp x2, x3, [sp, #16]\n  stp x4, x5, [sp, #32]\n  stp x6, x7, [sp, #48]\n"
        "  stp d0, d1, [sp, #64]\n  stp d2, d3, [sp, #80]\n  stp d4, d5, [sp, #96]\n  stp d6, d7, [sp, #112]\n"
        "  str x8, [sp, #176]\n"
        "  mov w0, w17\n  mov x1, sp\n  add x2, x29, #16\n"
        "  bl loadstone_enter_callback\n"
        "  ldp x0, x1, [sp, #128]\n  ldp d0, d1, [sp, #144]\n  ldp d2, d3, [sp, #160]\n"
        "  mov sp, x29\n  ldp x29, x30, [sp], #16\n  .cfi_def_cfa 31, 0\n"
        "  ret\n"
        "  .cfi_endproc\n"
        ".size loadstone_stubs, . - loadstone_stubs\n");
#  endif
#else
#  define LOADSTONE_CALLBACKS 0
#endif
#endif
