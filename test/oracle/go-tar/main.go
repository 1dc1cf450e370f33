// go-tar FILE...: archives as Go's archive/tar reads them, in the form of
// `tardiffer --read`, with what is left out there on purpose left out here
// too (test/oracle/differences, "Go").
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

func text(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c > ' ' && c < 0x7f && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

// The type letter of a row.
func letter(flag byte) byte {
	switch flag {
	case tar.TypeLink:
		return 'h'
	case tar.TypeSymlink:
		return 'l'
	case tar.TypeChar:
		return 'c'
	case tar.TypeBlock:
		return 'b'
	case tar.TypeDir, 'D':
		return 'd'
	case tar.TypeFifo:
		return 'p'
	}
	return '-'
}

// Attributes of libarchive's kind, which Go leaves to its caller.
func attributes(h *tar.Header) map[string]string {
	all := map[string]string{}
	for k, v := range h.PAXRecords {
		if name := strings.TrimPrefix(k, "LIBARCHIVE.xattr."); name != k {
			if raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(v, "=")); err == nil {
				if plain, err := url.PathUnescape(name); err == nil {
					all[plain] = string(raw)
				}
			}
		}
	}
	for k, v := range h.PAXRecords {
		if name := strings.TrimPrefix(k, "SCHILY.xattr."); name != k {
			all[name] = v
		}
	}
	return all
}

// A sparse file whose map does not fit its data, which shows when it is read.
func misfit(r *tar.Reader, h *tar.Header) bool {
	sparse := h.Typeflag == tar.TypeGNUSparse
	for k := range h.PAXRecords {
		sparse = sparse || strings.HasPrefix(k, "GNU.sparse.")
	}
	if !sparse || h.Size > 1<<26 {
		return false
	}
	_, err := io.Copy(io.Discard, r)
	return err != nil && !errors.Is(err, io.ErrUnexpectedEOF)
}

func row(w io.Writer, h *tar.Header) {
	size, link := h.Size, ""
	var major, minor int64
	switch h.Typeflag {
	case tar.TypeLink, tar.TypeSymlink:
		size, link = 0, h.Linkname
	case tar.TypeChar, tar.TypeBlock:
		size, major, minor = 0, h.Devmajor, h.Devminor
		if uint64(major) > math.MaxUint32 || uint64(minor) > math.MaxUint32 {
			major, minor = 0, 0
		}
	case tar.TypeDir, tar.TypeFifo:
		size = 0
	}
	all := attributes(h)
	var names []string
	for k := range all {
		names = append(names, k)
	}
	sort.Strings(names)
	xattrs := ""
	for _, k := range names {
		xattrs += k + "=" + all[k] + "\n"
	}
	fmt.Fprintf(w, "%c %04o %d %d %d %d.%09d %s %s %s %s %d,%d %s\n", letter(h.Typeflag), h.Mode&07777, h.Uid, h.Gid,
		size, h.ModTime.Unix(), h.ModTime.Nanosecond(), text(h.Name), text(link), text(h.Uname), text(h.Gname),
		major, minor, text(xattrs))
}

func list(w io.Writer, name string) {
	fmt.Fprintf(w, "== %s\n", filepath.Base(name))
	f, err := os.Open(name)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	r := tar.NewReader(struct{ io.Reader }{bufio.NewReader(f)})
	for {
		h, err := r.Next()
		switch {
		case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
			fmt.Fprintln(w, "end")
			return
		case err != nil:
			fmt.Fprintln(w, "bad")
			return
		}
		if h.Typeflag == tar.TypeXGlobalHeader || h.Typeflag == 'V' {
			continue
		}
		var text bytes.Buffer
		row(&text, h)
		if misfit(r, h) {
			fmt.Fprintln(w, "bad")
			return
		}
		w.Write(text.Bytes())
	}
}

func main() {
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	for _, name := range os.Args[1:] {
		list(w, name)
	}
}
