using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Bitis.Files;
using Bitis.Json;

namespace Bitis.Analysis.Sensitivity;

/// <summary>The folder in which exact runs of sites are kept, so that an analysis can resume.</summary>
/// <param name="path">The folder; it is created with the first site.</param>
/// <param name="identity">A digest of model, recipe and images.</param>
internal sealed class SensitivityFolder(string path, string identity)
{
    private const long MaxBytes = 1 << 16;

    /// <summary>The runs of a site that is done already; null if it is not.</summary>
    /// <exception cref="BitisException">The file is of another analysis, or damaged.</exception>
    public ExactEffects? Load(QuantizedSite site)
    {
        string file = FileOf(site);
        if (!File.Exists(file))
            return null;
        FinishedSite finished;
        try
        {
            if (new FileInfo(file).Length > MaxBytes)
                throw new BitisException("it is too long");
            finished = StrictJson.Read(File.ReadAllText(file), SensitivityJson.Default.FinishedSite);
        }
        catch (Exception e) when (e is StrictJsonException or BitisException)
        {
            throw BitisException.InFile(file, "this finished site cannot be read. Delete it: it is made again.");
        }
        return finished.Identity == identity && finished.Site == site.Name
            ? finished.Effects
            : throw BitisException.InFile(
                path,
                "this folder has sites of another analysis (another model, recipe, images or version of Bitis). "
                + "Delete it, or give another folder.");
    }

    /// <summary>Keeps a site.</summary>
    public void Save(QuantizedSite site, ExactEffects effects)
    {
        Directory.CreateDirectory(path);
        byte[] text = JsonSerializer.SerializeToUtf8Bytes(
            new FinishedSite(identity, site.Name, effects), SensitivityJson.Default.FinishedSite);
        AtomicFile.Write(FileOf(site), stream => stream.Write(text));
    }

    /// <summary>Names of nodes may hold anything, so files are called after their digest.</summary>
    private string FileOf(QuantizedSite site) => Path.Combine(
        path, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(site.Name)))[..16]}.json");
}
