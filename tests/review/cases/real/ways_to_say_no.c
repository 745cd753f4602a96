/* The one good answer is asked for first: what is told apart behind it are ways to say no. */
#include <dlfcn.h>
#include <openssl/evp.h>

int verdict(EVP_MD_CTX *md, const unsigned char *sig, unsigned n, EVP_PKEY *key)
{
	int res = EVP_VerifyFinal(md, sig, n, key);

	if (res == 1)
		return 0;
	else if (res == 0) //! none
		return 1;
	return -1;
}

void *careless(const char *path, EVP_MD_CTX *md, const unsigned char *sig, unsigned n, EVP_PKEY *key)
{
	int res = EVP_VerifyFinal(md, sig, n, key);

	if (res == 0) //! CWE-347/CWE-253
		return NULL;
	return dlopen(path, RTLD_NOW);
}
