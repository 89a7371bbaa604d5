using Bitis.Graphs;
using Bitis.Graphs.Operators.Grids;
using Bitis.Onnx.Writing;

namespace Bitis.Onnx.Operators;

/// <summary>Operators on tokens that lie on a grid.</summary>
internal static class GridRows
{
    /// <summary>Nothing to do: a map is one of the forms of its tokens.</summary>
    public static Value Flatten(ModelWriter model, Node node) =>
        new(model.Plain(node.Inputs[0]), (node.Inputs[0].Shape[1], node.Inputs[0].Shape[2]));

    public static Value Resize(ModelWriter model, Node node, GridResize resize)
    {
        string map = model.Map(node.Inputs[0], resize.Height, resize.Width);
        return new Value(
            Bilinear(model, map, node.Shape[1], resize.OutHeight, resize.OutWidth),
            (resize.OutHeight, resize.OutWidth));
    }

    /// <summary>A map of another size, bilinear, without aligned corners.</summary>
    public static string Bilinear(ModelWriter model, string map, int channels, int height, int width) =>
        model.Onnx.Add(
            "Resize",
            [map, "", "", model.ShapeWithBatch(map, channels, height, width)],
            ("mode", "linear"), ("coordinate_transformation_mode", "half_pixel"));

    /// <summary>A product with the share of each token in each bin, since bins may overlap.</summary>
    public static Value Pool(ModelWriter model, Node node, GridPool pool)
    {
        int tokens = node.Inputs[0].Shape[0], bins = node.Shape[0];
        var shares = new float[bins * tokens];
        for (int bin = 0; bin < bins; bin++)
        {
            (int top, int bottom) = pool.Range(bin / pool.Bins, pool.Height);
            (int left, int right) = pool.Range(bin % pool.Bins, pool.Width);
            for (int row = top; row < bottom; row++)
            {
                for (int column = left; column < right; column++)
                    shares[(bin * tokens) + (row * pool.Width) + column] = 1f / ((bottom - top) * (right - left));
            }
        }
        return new Value(model.Onnx.Add(
            "MatMul", [model.Onnx.Floats(shares, bins, tokens), model.Plain(node.Inputs[0])]));
    }
}
