using System.Globalization;
using System.Text;
using System.Xml.Linq;
using Bitis.Data.LabelMaps;
using Bitis.Files;

namespace Bitis.Cli.Output;

/// <summary>The files that show a segmentation: the classes, their colours, and the image under them.</summary>
internal static class SegmentationPictures
{
    /// <summary>How much of the colour an overlay shows; the rest is the image.</summary>
    private const double Opacity = 0.5;

    private const int Swatch = 14, LineHeight = 22, LegendWidth = 260, FontSize = 14;
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    /// <summary>The endings of the files' names.</summary>
    public static IReadOnlyList<string> Endings { get; } = [".classes.png", ".colors.png", ".overlay.svg"];

    /// <summary>Writes the three files of an image.</summary>
    /// <param name="path">The files without <see cref="Endings"/>.</param>
    /// <param name="image">The image.</param>
    /// <param name="map">Its classes, fewer than 256.</param>
    /// <param name="palette">Red, green and blue of each class.</param>
    /// <param name="legend">The classes to name beside the image, with their names.</param>
    public static IReadOnlyList<string> Write(
        string path, PixelImage image, SegmentationMap map, ReadOnlyMemory<byte> palette,
        IReadOnlyList<(int Class, string Name)> legend)
    {
        string[] files = [.. Endings.Select(ending => path + ending)];
        byte[] indices = new byte[map.Classes.Length];
        for (int i = 0; i < indices.Length; i++)
            indices[i] = (byte)map.Classes[i];
        AtomicFile.Write(
            files[0], stream => PngWriter.WriteIndexed(stream, map.Width, map.Height, indices, palette.Span));
        AtomicFile.Write(files[1], stream => PngWriter.WriteColours(stream, Mix(image, map, palette.Span, 1)));
        using var picture = new MemoryStream();
        PngWriter.WriteColours(picture, Mix(image, map, palette.Span, Opacity));
        string overlay = Overlay(map, picture.ToArray(), palette.Span, legend);
        AtomicFile.Write(files[2], stream => stream.Write(Encoding.UTF8.GetBytes(overlay)));
        return files;
    }

    /// <summary>The colours of the classes over the image.</summary>
    internal static PixelImage Mix(PixelImage image, SegmentationMap map, ReadOnlySpan<byte> palette, double opacity)
    {
        ReadOnlySpan<byte> pixels = image.WithChannels(PixelImage.RgbChannels).Pixels;
        byte[] mixed = new byte[pixels.Length];
        for (int i = 0; i < mixed.Length; i++)
        {
            byte colour = palette[(map.Classes[i / PixelImage.RgbChannels] * PixelImage.RgbChannels)
                + (i % PixelImage.RgbChannels)];
            mixed[i] = (byte)((opacity * colour) + ((1 - opacity) * pixels[i]) + 0.5);
        }
        return PixelImage.Rgb(map.Width, map.Height, mixed);
    }

    /// <summary>The picture with the names of its classes beside it, as SVG.</summary>
    private static string Overlay(
        SegmentationMap map, byte[] picture, ReadOnlySpan<byte> palette, IReadOnlyList<(int Class, string Name)> legend)
    {
        int height = Math.Max(map.Height, (legend.Count + 1) * LineHeight);
        var svg = new XElement(
            Svg + "svg",
            new XAttribute("viewBox", $"0 0 {map.Width + LegendWidth} {height}"),
            new XAttribute("font-family", "sans-serif"),
            new XAttribute("font-size", FontSize),
            new XElement(
                Svg + "rect", new XAttribute("width", map.Width + LegendWidth), new XAttribute("height", height),
                new XAttribute("fill", "white")),
            new XElement(
                Svg + "image", new XAttribute("width", map.Width), new XAttribute("height", map.Height),
                new XAttribute("href", $"data:image/png;base64,{Convert.ToBase64String(picture)}")));
        for (int i = 0; i < legend.Count; i++)
        {
            int y = (LineHeight / 2) + (i * LineHeight);
            string colour = Convert.ToHexString(
                palette.Slice(legend[i].Class * PixelImage.RgbChannels, PixelImage.RgbChannels));
            svg.Add(
                new XElement(
                    Svg + "rect", new XAttribute("x", map.Width + Swatch), new XAttribute("y", y),
                    new XAttribute("width", Swatch), new XAttribute("height", Swatch),
                    new XAttribute("fill", $"#{colour}")),
                new XElement(
                    Svg + "text", new XAttribute("x", map.Width + (3 * Swatch)), new XAttribute("y", y + Swatch - 2),
                    DisplayText.Of(legend[i].Name)));
        }
        return string.Create(CultureInfo.InvariantCulture, $"{svg}\n");
    }
}
