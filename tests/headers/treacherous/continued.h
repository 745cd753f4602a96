/* Lines that are continued, in places where nobody would, and digraphs. */
#define TEXT "one\
 two"
#def\
ine SPLIT 3
%:define HASH 4
// a comment that goes on \
int in_comment(void);
/\
* a comment *\
/ int after_comment(void);
int na\
me(int <:3:>);
struct digraph <% int a<:3:>; %>;
#define PASTED(a, b) a%:%:b
int PASTED(pas, ted)(void);
#define BLANK_BEHIND 1 + \  
  2
int last(void);
