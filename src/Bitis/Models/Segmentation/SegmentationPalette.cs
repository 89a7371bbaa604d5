namespace Bitis.Models.Segmentation;

/// <summary>The colours in which classes are drawn.</summary>
internal static class SegmentationPalette
{
    /// <summary>Red, green and blue of each class, <c>[classes, 3]</c>.</summary>
    /// <param name="colours">Those of the model, as six hexadecimal digits; empty for those of Pascal VOC.</param>
    /// <param name="classes">The number of classes.</param>
    public static byte[] Of(IReadOnlyList<string> colours, int classes) =>
        colours.Count > 0
            ? [.. colours.SelectMany(Convert.FromHexString)]
            : [.. Enumerable.Range(1, classes).SelectMany(Usual)];

    /// <summary>Pascal VOC's colour of an index, whose bits are dealt to red, green and blue in turn.</summary>
    private static byte[] Usual(int index)
    {
        byte[] colour = new byte[PixelImage.RgbChannels];
        for (int bit = 7; bit >= 0 && index > 0; bit--, index >>= PixelImage.RgbChannels)
        {
            for (int c = 0; c < colour.Length; c++)
                colour[c] |= (byte)((index >> c & 1) << bit);
        }
        return colour;
    }
}
