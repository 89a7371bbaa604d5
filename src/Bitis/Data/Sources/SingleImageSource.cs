using Bitis.Data.Decoding;

namespace Bitis.Data.Sources;

/// <summary>A source of one image file, which is decoded on demand.</summary>
internal sealed class SingleImageSource : ImageSource
{
    private readonly string _path;
    private readonly IImageDecoder _decoder;

    /// <summary>Checks the format of a file by its first bytes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="decoder">The image decoder.</param>
    /// <exception cref="BitisException">The file is not an image of a supported format.</exception>
    public SingleImageSource(string path, IImageDecoder decoder)
    {
        byte[] start = InputFile.ReadStart(path, FileContent.StartLength);
        if (decoder.Identify(start) is null)
            throw FileContent.RefuseAsImage(path, start, decoder.Formats);
        _path = path;
        _decoder = decoder;
    }

    public override int Count => 1;

    public override string Description => DecoderSettings is { } settings ? $"{_path}, {settings}" : _path;

    public override string? DecoderSettings => _decoder.Settings;

    public override string Name(int index) => _path;

    public override int? Label(int index) => null;

    protected override PixelImage ReadImage(int index) =>
        _decoder.Decode(InputFile.ReadAllBytes(_path, ImageLimits.MaxFileBytes), _path);
}
