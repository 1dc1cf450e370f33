/* An archive as Java programs write it, by Apache Commons Compress: FORM is posix, gnu or star. */
import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Date;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

public class Write {
	static void put(TarArchiveOutputStream out, TarArchiveEntry e, String text) throws Exception {
		byte[] data = text.getBytes(StandardCharsets.UTF_8);
		e.setModTime(new Date(1700000000123L));
		if (!text.isEmpty())
			e.setSize(data.length);
		out.putArchiveEntry(e);
		out.write(data);
		out.closeArchiveEntry();
	}

	public static void main(String[] args) throws Exception {
		String form = args[0], name = "directory/" + "long name ".repeat(15) + ".txt";
		TarArchiveOutputStream out = new TarArchiveOutputStream(new FileOutputStream(args[1]), "UTF-8");
		out.setLongFileMode(form.equals("gnu") ? TarArchiveOutputStream.LONGFILE_GNU : TarArchiveOutputStream.LONGFILE_POSIX);
		out.setBigNumberMode(form.equals("posix") ? TarArchiveOutputStream.BIGNUMBER_POSIX : TarArchiveOutputStream.BIGNUMBER_STAR);
		out.setAddPaxHeadersForNonAsciiNames(true);
		put(out, new TarArchiveEntry("directory/"), "");
		put(out, new TarArchiveEntry(name), "long");
		put(out, new TarArchiveEntry("Gr\u00fc\u00dfe"), "words");
		TarArchiveEntry big = new TarArchiveEntry("owner");
		big.setIds(3000000, 4000000);
		big.setNames("somebody", "some group");
		put(out, big, "x");
		TarArchiveEntry link = new TarArchiveEntry("link", TarConstants.LF_SYMLINK);
		link.setLinkName(name);
		put(out, link, "");
		TarArchiveEntry hard = new TarArchiveEntry("hard", TarConstants.LF_LINK);
		hard.setLinkName("owner");
		put(out, hard, "");
		out.close();
	}
}
