void discard(char *rows);

void prepare(char *rows)
{
    discard(rows);
}
