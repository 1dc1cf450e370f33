// Layers as programs written in Go make them, with archive/tar and records of
// their own: FORM is
//
//	docker	Docker's daemon, BuildKit and umoci: pax where it is needed, capabilities, whiteouts
//	kaniko	Kaniko: the headers of tar.FileInfoHeader, hard links behind their files
//	windows	a layer of Windows: Files/ and Hives/, attributes and descriptors in MSWINDOWS records
package main

import (
	"archive/tar"
	"os"
	"strings"
	"time"
)

var modified = time.Unix(1700000000, 123456789)

func put(w *tar.Writer, h tar.Header, text string) {
	h.ModTime = modified
	h.Size = int64(len(text))
	if h.Typeflag == 0 {
		h.Typeflag = tar.TypeReg
	}
	if err := w.WriteHeader(&h); err != nil {
		panic(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		panic(err)
	}
}

func docker(w *tar.Writer) {
	long := "usr/share/" + strings.Repeat("directory/", 20) + "file"
	put(w, tar.Header{Name: "usr/", Typeflag: tar.TypeDir, Mode: 0755}, "")
	put(w, tar.Header{Name: long, Mode: 0644, Format: tar.FormatPAX}, "long")
	put(w, tar.Header{Name: "usr/bin/ping", Mode: 0755, Uid: 3000000, Gid: 3000001, PAXRecords: map[string]string{
		"SCHILY.xattr.security.capability": "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	}}, "ping")
	put(w, tar.Header{Name: "etc/.wh.passwd", Mode: 0600}, "")
	put(w, tar.Header{Name: "var/.wh..wh..opq", Mode: 0600}, "")
	put(w, tar.Header{Name: "dev/null", Typeflag: tar.TypeChar, Mode: 0666, Devmajor: 1, Devminor: 3}, "")
	put(w, tar.Header{Name: "usr/link", Typeflag: tar.TypeSymlink, Linkname: long, Mode: 0777}, "")
}

func kaniko(w *tar.Writer) {
	put(w, tar.Header{Name: "/", Typeflag: tar.TypeDir, Mode: 0755}, "")
	put(w, tar.Header{Name: "/app/", Typeflag: tar.TypeDir, Mode: 0755, Format: tar.FormatGNU}, "")
	put(w, tar.Header{Name: "/app/" + strings.Repeat("name", 40), Mode: 0644, Format: tar.FormatGNU}, "gnu")
	put(w, tar.Header{Name: "/app/file", Mode: 0644}, "file")
	put(w, tar.Header{Name: "/app/hard", Typeflag: tar.TypeLink, Linkname: "/app/file", Mode: 0644}, "")
	put(w, tar.Header{Name: "/app/.wh.gone"}, "")
}

func windows(w *tar.Writer) {
	records := func(attributes string) map[string]string {
		return map[string]string{"MSWINDOWS.fileattr": attributes, "MSWINDOWS.rawsd": "AQAAgBQAAAAwAAAAAAAAAEwAAAA=",
			"LIBARCHIVE.creationtime": "1700000000.123456"}
	}
	put(w, tar.Header{Name: "Files", Typeflag: tar.TypeDir, PAXRecords: records("16")}, "")
	put(w, tar.Header{Name: "Files/Program Files/hello.exe", PAXRecords: records("32")}, "MZ")
	put(w, tar.Header{Name: "Files/Gr\u00fc\u00dfe.txt", PAXRecords: records("32")}, "words")
	mount := records("1040")
	mount["MSWINDOWS.mountpoint"] = "1"
	put(w, tar.Header{Name: "Files/junction", Typeflag: tar.TypeSymlink, Linkname: `C:\Program Files`, PAXRecords: mount}, "")
	put(w, tar.Header{Name: "Hives", Typeflag: tar.TypeDir, PAXRecords: records("16")}, "")
	put(w, tar.Header{Name: "Hives/Software_Delta", PAXRecords: records("32")}, "regf")
	put(w, tar.Header{Name: "Files/Windows/.wh.gone.dll", PAXRecords: records("32")}, "")
}

func main() {
	w := tar.NewWriter(os.Stdout)
	map[string]func(*tar.Writer){"docker": docker, "kaniko": kaniko, "windows": windows}[os.Args[1]](w)
	if err := w.Close(); err != nil {
		panic(err)
	}
}
