using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Bitis.Files;
using Bitis.Json;

namespace Bitis.Analysis.Search;

/// <summary>Finished runs, in memory and in a folder, so that a search can resume.</summary>
/// <param name="path">The folder, created with the first run; null for none.</param>
/// <param name="identity">A digest of model and images.</param>
internal sealed class SearchFolder(string? path, string identity)
{
    private const long MaxBytes = 1 << 20;

    /// <summary>How many runs were found in the folder.</summary>
    public int Resumed { get; private set; }

    /// <summary>The result of a run: that of an earlier search, or a new one, which is kept.</summary>
    /// <param name="run">What is run.</param>
    /// <param name="read">Makes the result of kept values; null if they are none.</param>
    /// <param name="write">The values to keep.</param>
    /// <param name="create">Runs it.</param>
    /// <exception cref="BitisException">The file is of another search, or damaged.</exception>
    public T Get<T>(
        string run, Func<IReadOnlyList<double>, T?> read, Func<T, IReadOnlyList<double>> write, Func<T> create)
        where T : class
    {
        string? file = path is null ? null : FileOf(path, run);
        if (file is not null && File.Exists(file))
        {
            T result = read(Load(file, run)) ?? throw Unreadable(file);
            Resumed++;
            return result;
        }
        T made = create();
        if (file is not null)
        {
            Directory.CreateDirectory(path!);
            byte[] text = JsonSerializer.SerializeToUtf8Bytes(
                new FinishedRun(identity, run, write(made)), SearchJson.Default.FinishedRun);
            AtomicFile.Write(file, stream => stream.Write(text));
        }
        return made;
    }

    private IReadOnlyList<double> Load(string file, string run)
    {
        FinishedRun finished;
        try
        {
            if (new FileInfo(file).Length > MaxBytes)
                throw new BitisException("it is too long");
            finished = StrictJson.Read(File.ReadAllText(file), SearchJson.Default.FinishedRun);
        }
        catch (Exception e) when (e is StrictJsonException or BitisException)
        {
            throw Unreadable(file);
        }
        return finished.Identity == identity && finished.Run == run
            ? finished.Values
            : throw BitisException.InFile(
                path!,
                "this folder has runs of another search (another model, other images or labels, or another seed). "
                + "Delete it, or give another folder.");
    }

    private static BitisException Unreadable(string file) =>
        BitisException.InFile(file, "this finished run cannot be read. Delete it: it is made again.");

    /// <summary>Runs are described by recipes, so files are called after their digest.</summary>
    private static string FileOf(string path, string run) => Path.Combine(
        path, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(run)))[..16]}.json");
}
