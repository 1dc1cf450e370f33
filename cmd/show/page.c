/* The page, as the assembler reads it from the file: make knows that this depends on it. */
#include "cmd/show/html.h"

__asm__(".section .rodata\n"
        ".global lp_page\n"
        "lp_page: .incbin \"cmd/show/page.html\"\n"
        ".byte 0\n"
        ".previous\n");
