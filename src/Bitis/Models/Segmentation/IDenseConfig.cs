using Bitis.Graphs;

namespace Bitis.Models.Segmentation;

/// <summary>An architecture that gives a value for each place of an image, of any height and width.</summary>
internal interface IDenseConfig
{
    /// <summary>Builds the graph for images of one size.</summary>
    /// <remarks>Its parameters are the same for all sizes. The first output is the map of logits.</remarks>
    /// <param name="height">The images' height, in pixels.</param>
    /// <param name="width">Their width.</param>
    Graph BuildGraph(int height, int width);

    /// <summary>The height and width of the map that an image of a size gives.</summary>
    (int Height, int Width) MapSize(int height, int width);

    /// <summary>The heads that learn; the first one answers.</summary>
    /// <param name="height">The images' height, in pixels.</param>
    /// <param name="width">Their width.</param>
    IReadOnlyList<LearningHead> LearningHeads(int height, int width);

    /// <summary>The colour of each class, as six hexadecimal digits; empty if unknown.</summary>
    IReadOnlyList<string> Palette { get; }

    /// <summary>
    /// Whether the label 0 of ground truth stands for no class, and k for class k − 1 (<c>reduce_zero_label</c>).
    /// </summary>
    bool ReducesZeroLabel { get; }
}
