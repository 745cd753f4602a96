"""Whose function a C name is by what it begins with: libraries keep to a prefix, and people forget to link with them.

Source: the public headers of each library. The library itself is asked before anything is said.
"""

from __future__ import annotations

from typing import Final

__all__ = ["library_of_prefix"]

_PREFIXES: Final = {
    library: tuple(words.split())
    for library, words in {
        "crypto": "EVP_ BIO_ RSA_ EC_KEY_ EC_GROUP_ EC_POINT_ ECDSA_ X509_ ERR_ PEM_ ASN1_ BN_new CRYPTO_ OPENSSL_",
        "ssl": "SSL_ TLS_ DTLS_",
        "curl": "curl_",
        "z": "inflate deflate compress uncompress crc32 adler32 gzopen gzread",
        "bz2": "BZ2_",
        "lzma": "lzma_",
        "zstd": "ZSTD_",
        "lz4": "LZ4_",
        "png16": "png_",
        "jpeg": "jpeg_",
        "tiff": "TIFF",
        "expat": "XML_",
        "xml2": "xmlParse xmlRead xmlFree xmlNew htmlParse htmlRead",
        "sqlite3": "sqlite3_",
        "glib-2.0": "g_utf8_ g_hash_table_ g_string_ g_main_ g_list_ g_variant_ g_strdup",
        "gobject-2.0": "g_object_ g_type_ g_signal_ g_value_",
        "cairo": "cairo_",
        "freetype": "FT_Init_ FT_Done_ FT_New_ FT_Load_",
        "harfbuzz": "hb_buffer_ hb_font_ hb_shape",
        "gfortran": "_gfortran_",
        "openblas": "cblas_",
        "blas": "sgemm_ dgemm_ cgemm_ zgemm_ ddot_ daxpy_ dscal_",
        "lapack": "dgesv_ dgetrf_ dgetri_ dpotrf_ dsyev_ dgesvd_",
        "fftw3": "fftw_",
        "gmp": "__gmp",
        "mpfr": "mpfr_",
        "gsl": "gsl_",
        "hdf5": "H5F H5D H5P H5T H5G",
        "netcdf": "nc_open nc_create nc_inq nc_get_ nc_put_ nc_close",
        "hts": "bgzf_ hts_ sam_ bcf_",
        "mpi": "MPI_",
        "avutil": "av_malloc av_free av_frame_ av_opt_ av_dict_ av_log",
        "avcodec": "avcodec_",
        "avformat": "avformat_",
        "swscale": "sws_",
        "asound": "snd_",
        "usb-1.0": "libusb_",
        "udev": "udev_",
        "uuid": "uuid_",
        "cap": "cap_",
        "pq": "PQconnect PQexec PQfinish PQget PQresult",
        "mysqlclient": "mysql_",
        "readline": "rl_line rl_bind_ rl_callback_ rl_complet",
        "tinfo": "tget tputs tigetstr",
        "X11": "XOpen XCreate XMap XFree Xutf8",
        "GL": "glX glBegin glBind glGet",
        "vulkan": "vkCreate vkDestroy vkGet vkCmd",
        "cudart": "cuda",
        "cublas": "cublas",
        "pcre2-8": "pcre2_",
        "event": "event_ evbuffer_",
        "uv": "uv_loop_ uv_run uv_timer_ uv_tcp_",
        "zmq": "zmq_",
        "ffi": "ffi_",
    }.items()
}
"""The name of each library after ``lib``, and what its functions begin with: words that no other library takes."""


def library_of_prefix(name: str) -> str:
    """The library a C function belongs to by the longest prefix that is known; empty for a name of nobody's.

    >>> library_of_prefix("EVP_DecryptFinal_ex"), library_of_prefix("g_object_ref"), library_of_prefix("main")
    ('libcrypto', 'libgobject-2.0', '')
    """
    found = [(len(p), library) for library, prefixes in _PREFIXES.items() for p in prefixes if name.startswith(p)]
    return f"lib{max(found)[1]}" if found else ""
