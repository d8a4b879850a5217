/* The smallest command: what is measured around it is the launcher's. */
int main(void) { return 0; }
